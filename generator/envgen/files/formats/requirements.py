"""requirements.txt for pip and uv alike: every package pinned, with its hash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envgen.core.dataclass import dataclass
from envgen.core.locks import PipLock
from envgen.core.sets import PackageSet
from envgen.files.commands import pip_command, venv_command
from envgen.files.format import Beside, FileFormat, Use
from envgen.files.formats.pylock import check_values
from envgen.files.templates import render

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a requirements.txt holds: its index, and name -> (version, sha256). `strange` are lines of another form.

    `twice` are the names that have several pins.
    """

    index: str
    find_links: tuple[str, ...]
    pins: Mapping[str, tuple[str, str]]
    strange: tuple[str, ...]
    twice: tuple[str, ...]

    @property
    def names_no_index(self) -> bool:
        """True when nothing says where the packages are, as for a folder of wheels."""
        return not self.index and not self.find_links


def _write(locks: Sequence[PipLock], beside: Beside) -> str:
    """The text of requirements.txt.

    Torch's index is the only index: of two in one file pip takes the newest release, uv the first index that lists a
    name. A package locked from another index gets its page there as find-links, which both tools add to the index.
    """
    del beside
    (lock,) = locks
    check_values(lock)
    main = next((p.index for p in lock.packages if p.name == "torch"), lock.packages[0].index)
    packages = sorted(lock.packages, key=lambda p: p.name)
    return render(
        "requirements.txt.j2",
        index_url=main,
        find_links=[f"{p.index.rstrip('/')}/{p.name}/" for p in packages if p.index != main],
        packages=packages,
    )


def _read(text: str, origin: str) -> Requirements:
    """Read a requirements.txt in the form that envgen writes."""
    del origin
    index, pins = "", {}
    find_links, strange, twice = [], [], []
    for line in text.splitlines():
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        if plain.startswith("--find-links "):
            find_links.append(plain.removeprefix("--find-links "))
        elif plain.startswith("--index-url ") and not index:
            index = plain.removeprefix("--index-url ")
        elif found := _PIN.fullmatch(plain):
            if found["name"] in pins:
                twice.append(found["name"])
            pins[found["name"]] = (found["version"], found["sha256"])
        else:
            strange.append(plain)
    return Requirements(
        index=index, find_links=tuple(find_links), pins=pins, strange=tuple(strange), twice=tuple(twice)
    )


def _use(use: Use) -> Iterator[str]:
    yield f"use: {venv_command(use.subdir, use.python)}"
    yield f"     {pip_command(use.subdir, use.file)}"
    yield f"or:  uv venv --python {use.python}"
    yield f"     uv pip sync {use.file}"


REQUIREMENTS = FileFormat(
    set=PackageSet.PIP,
    required=True,
    input_option="--requirements",
    one="requirements.txt",
    each="requirements-{subdir}.txt",
    write=_write,
    read=_read,
    use=_use,
)
