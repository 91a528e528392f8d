"""Folders that envgen wrote and that somebody, or a disk, made something else of."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from equipment.lock_damage import sign

PIECES = (
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\n\n",
        b"x" * 70_000,
        b"9" * 5000,
        b"a." * 5000,
        b"[" * 5000,
    ),
    *(b"[" * 5000, b"{" * 5000, b"- " * 5000, b"&a [*a]"),
    *(b"!!python/object/apply:os.system ['x']", b"https://me:pw@evil.example/x"),
    *(
        b"a" * 70_000 + b"@",
        b" " * 70_000 + b"#",
        b"# envgen: {",
        b'"v": 99',
        b"null",
        b"-1",
        b"1e999",
        b"NaN",
        b"'\"`",
    ),
    *(
        b"sha256:" + b"0" * 64,
        b"../..",
        b"%0a",
        b"${{ x }}",
        b"--index-url http://x",
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"*" * 999,
    ),
)
Damage = Callable[[bytes], bytes]


@st.composite
def damages(draw: st.DrawFn) -> tuple[str, Damage]:
    """A description and a change of a file's bytes: a piece is put in, takes the place of some, or the end is cut."""
    share, kind = draw(st.floats(0, 1)), draw(st.sampled_from(["insert", "replace", "cut", "line", "value", "twice"]))
    piece, size = draw(st.sampled_from(PIECES)), draw(st.integers(1, 200))

    def change(content: bytes) -> bytes:
        at = int(share * len(content))
        match kind:
            case "insert":
                return content[:at] + piece + content[at:]
            case "replace":
                return content[:at] + piece + content[at + size :]
            case "cut":
                return content[:at]
            case "line" | "value":
                lines = content.split(b"\n")
                where = int(share * (len(lines) - 1))
                head = lines[where].partition(b":")[0] + b": " if kind == "value" else b""
                lines[where] = head + piece
                return b"\n".join(lines)
            case _:
                return content + content[at:]

    return f"{kind} {share:.3f} {piece[:20]!r} {size}", change


@st.composite
def hostile_folders(draw: st.DrawFn, whole: Path, place: Path) -> str:
    """Make `place` a copy of a folder with up to three faults, and return what they are."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    names = sorted(path.name for path in whole.iterdir())
    faults = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)):
        path = place / name
        match draw(st.sampled_from(["damage"] * 8 + ["gone", "folder", "link", "empty"])):
            case "damage":
                fault, change = draw(damages())
                path.write_bytes(change(path.read_bytes()))
            case "gone":
                fault = "gone"
                path.unlink()
            case "folder":
                fault = "folder"
                path.unlink()
                path.mkdir()
            case "link":
                fault = "link"
                path.unlink()
                path.symlink_to("/dev/zero")
            case _:
                fault = "empty"
                path.write_bytes(b"")
        faults.append(f"{name}: {fault}")
    # Anybody who has envgen can make the digests right again.
    if draw(st.booleans()) and not any(path.is_symlink() for path in place.iterdir()):
        with contextlib.suppress(Exception):
            sign(place)
    return "; ".join(faults)
