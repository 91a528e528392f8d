"""Files as a run writes them, for the tests of planning and writing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from envgen.files.header import Header, body_digest, compose
from envgen.output.plan import make_plan, read_folder
from envgen.output.writing import apply

NAMES = ("conda-lock.yml", "environment.yml", "requirements.txt", "smoke_test.py")
# What one run for one platform writes.
SEVEN = (*NAMES, "conda-win-64.lock", "pylock.toml", "virtual-packages.yml")


def a_file(body: str, run: str, command: str = "envgen --gpu x") -> str:
    return compose(
        body,
        Header(
            title="0.1.0: t",
            command=command,
            lines=("a fact",),
            catalog="c",
            request="{}",
            set=run,
            body=body_digest(body),
        ),
    )


def a_run(mark: str, *, names: tuple[str, ...] = NAMES, size: int = 1) -> dict[str, str]:
    """File name -> text of one run; another mark is another run."""
    bodies = {name: f"{name} of {mark}\n" * size for name in names}
    run = hashlib.sha256(repr((bodies, mark)).encode()).hexdigest()
    return {name: a_file(body, run) for name, body in bodies.items()}


def write(folder: Path, files: dict[str, str], *, force: bool = False) -> None:
    apply(make_plan(folder, read_folder(folder), files, force=force))


def content(folder: Path) -> dict[str, str]:
    """Everything in a folder, hidden names too."""
    return {path.name: path.read_bytes().decode() for path in folder.iterdir()}
