"""Folders that envgen wrote and that somebody, or a disk, made something else of. Each fault is made from a seed."""

# ruff: noqa: E501 -- pieces stand side by side

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import yaml

from envgen.files.header import body_digest
from envgen.files.reading import split
from equipment.lock_damage import sign

# fmt: off
PIECES = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\r", b"x" * 70_000, b"9" * 5000, b"a." * 5000,
    b"[" * 5000, b"{" * 5000, b"- " * 5000, b"&a [*a]", b"!!python/object/apply:os.system ['x']",
    b"https://me:pw@evil.example/x", b"a" * 70_000 + b"@", b" " * 70_000 + b"#", b"# envgen: {", b'"v": 99', b"null",
    b"-1", b"1e999", b"NaN", b"'\"`", b"sha256:" + b"0" * 64, b"../..", b"%0a", b"${{ x }}", b"--index-url http://x",
    b"\xed\xa0\x80", b"\x1b[31m", b"*" * 999, b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xd9\xa3", b"\x0b", b"\xc2\x85", b"\xe2\x80\xa8",
    b"# request {\"v\":1}", b"# request " + b"[" * 5000, b"# set sha256:" + b"0" * 64, b"pip install x\n", b"requests==2.32.0\n",
    b"-r /etc/passwd\n", b"-e .\n", b"os.system('x')\n", b"@EXPLICIT\n", b"  - pip:\n    - requests\n", b"optional: true\n",
)
# A text that is small and becomes large, or deep, where it is read.
BOMBS = (
    b"".join(b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9) if c > 97 else b"x") for c in range(97, 112)),
    b"a: " * 3000, b"- " * 20_000, b"[" * 100_000, b"? " * 5000, b"<<: *a\n" * 2000,
    b"a = " + b"[" * 5000 + b"]" * 5000, b"[" + b"a." * 9000 + b"b]\n", b"a.b = 1\n" * 3000, b"[[a]]\n" * 30_000,
    b"a = {b = " * 2000, b"x = " + b"9" * 100_000 + b"\n", b'x = "' + b"\\u0041" * 50_000 + b'"\n',
    b"# request " + b'{"a":' * 20_000 + b"\n", b"# request " + b'{"a": 1, ' * 20_000 + b"\n",
    b"a==1 \\\n" * 20_000, b"a" * 3_000_000, b"torch==2.9.1\n" * 50_000, b"a ; " + b"(" * 5000 + b"\n",
)
# fmt: on
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    "",
    "x",
    "\0",
    "\u202e",
    "../x",
    "/dev/zero",
    "9" * 5000,
    [],
    {},
    [[]],
    "3.12; x",
    "$(id)",
)
STRANGERS = ("requirements-linux-64.txt", "conda-osx-arm64.lock", "pylock.x.toml", "json.py", "sitecustomize.py", ".netrc",
             "conda-linux-64.lock", "environment-win-64.yml", "linux-64.conda-lock.yml", "envgen.toml", "pyproject.toml")  # fmt: skip
Bytes = Callable[[Random, bytes], bytes]


def flip(rng: Random, data: bytes) -> bytes:
    """One to three bits are others."""
    changed = bytearray(data or b"x")
    for _ in range(rng.randint(1, 3)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def lines(rng: Random, data: bytes) -> bytes:
    """Lines change places, stand twice, are gone, or are another's."""
    rows = data.split(b"\n")
    at, other = rng.randrange(len(rows)), rng.randrange(len(rows))
    match rng.choice(("swap", "double", "drop", "copy", "block")):
        case "swap":
            rows[at], rows[other] = rows[other], rows[at]
        case "double":
            rows.insert(at, rows[at])
        case "drop":
            del rows[at]
        case "copy":
            rows.insert(at, rows[other])
        case _:
            del rows[min(at, other) : max(at, other)]
    return b"\n".join(rows)


def token(rng: Random, data: bytes) -> bytes:
    """A word, a number or a hash is another of the same file, or one character of it is."""
    words = list(re.finditer(rb"[A-Za-z0-9][A-Za-z0-9._+:/-]*", data))
    if not words:
        return data + b"x"
    at = rng.choice(words)
    word = at[0]
    where = rng.randrange(len(word))
    new = rng.choice((
        rng.choice(words)[0], word[:where] + rng.choice(b"0123456789abcdefx.-/").to_bytes(1, "big") + word[where + 1 :],
        word[:where] + word[where + 1 :], word.upper(), word + b".1", b"0" + word,
    ))  # fmt: skip
    return data[: at.start()] + new + data[at.end() :]


def piece(rng: Random, data: bytes) -> bytes:
    """Something that isn't of this file stands in it, or in the place of some of it."""
    at, size = rng.randint(0, len(data)), rng.choice((0, 0, 1, 20, 200))
    new = rng.choice(PIECES)
    if rng.random() < 0.4:  # as a line or as the value of one
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        key = data[start:end].partition(rng.choice((b":", b"=")))[0] + b": " if rng.random() < 0.5 else b""
        return data[:start] + key + new + data[end:]
    return data[:at] + new + data[at + size :]


def bomb(rng: Random, data: bytes) -> bytes:
    """Something small that becomes large."""
    at = rng.choice((0, data.find(b"\n#\n") + 3, len(data)))
    return data[:at] + rng.choice(BOMBS) + (data[at:] if rng.random() < 0.5 else b"")


def cut(rng: Random, data: bytes) -> bytes:
    """The end, or all, is gone; or it stands twice."""
    at = rng.randint(0, len(data))
    return rng.choice((data[:at], data[:at], b"", data * 2, data[at:]))


def encoding(rng: Random, data: bytes) -> bytes:
    """The same text in bytes of another kind."""
    text = data.decode("utf-8", "replace")
    return rng.choice((
        text.encode("utf-16"), text.encode("utf-8-sig"), data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"),
        text.encode("utf-32"), data.replace(b" ", "\u00a0".encode(), 3), data.replace(b"e", "е".encode(), 1),
        b"\n" + data, data.rstrip(b"\n"), data + b"\n" * 3, data + b" ", data + b"\0", b"\x1f\x8b" + data,
    ))  # fmt: skip


def record(rng: Random, data: bytes) -> bytes:
    """One value of the request line is another."""
    found = re.search(rb"(?m)^# request (\{.*\})$", data)
    if found is None:
        return flip(rng, data)
    try:
        document = json.loads(found[1])
    except (ValueError, RecursionError):  # hurt already
        return flip(rng, data)
    nodes: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
            nodes.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(document)
    node, key = rng.choice(nodes)
    match rng.choice(("value", "value", "drop", "more")):
        case "value":
            node[key] = rng.choice(VALUES)
        case "drop":
            del node[key]
        case _ if isinstance(node, dict):
            node[rng.choice(("x", "v", "with", "gpus", "\0", "mirror"))] = rng.choice(VALUES)
        case _:
            node.append(rng.choice(VALUES))
    return data[: found.start(1)] + json.dumps(document, separators=(",", ":")).encode() + data[found.end(1) :]


CHANGES: tuple[Bytes, ...] = (
    flip,
    flip,
    lines,
    lines,
    token,
    token,
    token,
    piece,
    piece,
    piece,
    bomb,
    cut,
    encoding,
    record,
)


def replace_file(rng: Random, path: Path, others: Mapping[str, Path]) -> str:
    """Put something that is no file of ours in the place of one."""
    kind = rng.choice(
        ("gone", "folder", "link", "link", "pipe", "socket", "other", "unreadable", "stranger", "exchange")
    )
    match kind:
        case "unreadable":
            path.chmod(0)
        case "stranger":
            target = path.with_name(rng.choice(STRANGERS))
            if not target.exists():
                shutil.copyfile(path, target)
        case "exchange":
            twin = rng.choice(sorted(p for p in path.parent.iterdir() if p.is_file()))
            one, two = path.read_bytes(), twin.read_bytes()
            path.write_bytes(two)
            twin.write_bytes(one)
        case "other":  # a file of the same name of another request or release
            found = [folder / path.name for folder in others.values() if (folder / path.name).is_file()]
            if found:
                path.write_bytes(rng.choice(found).read_bytes())
        case _:
            path.unlink()
            if kind == "folder":
                path.mkdir()
                (path / "x").write_text("x")
            elif kind == "link":
                targets = (
                    "/dev/zero",
                    "/etc/passwd",
                    path.name,
                    "missing",
                    "..",
                    ".",
                    "smoke_test.py",
                    "/proc/self/mem",
                )
                path.symlink_to(rng.choice(targets))
            elif kind == "pipe":
                os.mkfifo(path)
            elif kind == "socket":
                with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
                    made.bind(path.name)
    return kind


def hurt(seed: int, base: Path, place: Path, others: Mapping[str, Path]) -> list[str]:
    """Make `place` a copy of a folder with up to three faults, and return what they are."""
    rng = Random(seed)
    shutil.copytree(base, place)
    faults = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice(sorted(p for p in place.rglob("*") if not p.is_dir()))
        if not path.is_file() or path.is_symlink():
            continue
        if rng.random() < 0.2:
            fault = replace_file(rng, path, others)
        else:
            change = rng.choice(CHANGES)
            fault = change.__name__
            path.write_bytes(change(rng, path.read_bytes()))
        faults.append(f"{path.relative_to(place)}: {fault}")
    # Anybody who has envgen can make the digests right again.
    if rng.random() < 0.6 and all(path.is_file() and not path.is_symlink() for path in place.iterdir()):
        with contextlib.suppress(Exception):
            sign(place)
            faults.append("signed")
    return faults


def is_edited(path: Path) -> bool:
    """True for a file that isn't as envgen wrote it, by its own header: a person's."""
    if path.is_symlink() or not path.is_file():
        return True
    try:
        header, body = split(path.read_bytes().decode("utf-8"))
    except Exception:  # noqa: BLE001 -- whatever it is, envgen didn't write it
        return True
    return header is None or body_digest(body) != header.body


def meaning(path: Path) -> object:
    """What the reader of a file takes from it: the values of a document, the lines of a text that are no comments."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".toml":
        return tomllib.loads(text)
    if path.suffix == ".yml":
        return yaml.safe_load(text)
    if path.suffix == ".py":
        return compile(text, "x", "exec").co_code, text.replace("\r\n", "\n").partition("\n#\n")[2]
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
