"""Damages a copy of a folder the way a careful person would: headers keep the right digests, so contents must tell."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.header import body_digest, compose, members, set_digest
from envgen.files.reading import split
from envgen.files.registry import set_of
from envgen.verify.findings import Asking, Report
from envgen.verify.folder import verify_folder

SHIPPED = Path(__file__).parent.parent.parent / "lockfiles"
OFFLINE = Asking(offline=True)


def copy_of(folder: str, target: Path) -> Path:
    """A copy of one shipped lock."""
    return Path(shutil.copytree(SHIPPED / folder, target / "copy"))


def change(folder: Path, name: str, old: str, new: str, *, count: int = 1) -> None:
    """Replace a piece of a file's body and make its header right again. The piece must be there."""
    path = folder / name
    header, body = split(path.read_text(encoding="utf-8"))
    assert header is not None
    assert old in body, (name, old)
    body = body.replace(old, new, count)
    path.write_bytes(compose(body, replace(header, body=body_digest(body))).encode())
    sign(folder)


def sign(folder: Path) -> None:
    """Make the digests of all headers right for the files as they are."""
    parts = {path.name: split(path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())}
    ours = {name: (header, body) for name, (header, body) in parts.items() if header is not None}
    digests = {of: set_digest(members(ours, of)) for of in PackageSet}
    for name, (header, body) in ours.items():
        of = set_of(name)
        signed = replace(header, body=body_digest(body), set=digests[of] if of else "")
        (folder / name).write_bytes(compose(body, signed).encode())


def change_text(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a piece of a file, header and body alike, and leave the rest."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, (name, old)
    path.write_bytes(text.replace(old, new, 1).encode())


def verify(folder: Path, asking: Asking = OFFLINE) -> Report:
    return verify_folder(folder, Catalog.load(), asking)


def codes(folder: Path, asking: Asking = OFFLINE) -> set[str]:
    return {str(finding.code) for finding in verify(folder, asking).findings}
