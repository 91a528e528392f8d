"""What the shipped locks tell of packages without a network: a file of theirs has one hash, one place and its needs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.locks import CondaLock, PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.wheel_names import file_name
from envgen.files.bodies import read_conda
from envgen.files.errors import LockFormatError
from envgen.files.reading import split
from envgen.files.registry import CONDA_LOCK, PYLOCK, set_of
from envgen.files.variants import variant_like
from envgen.verify.findings import Code, Finding

_WHEEL = re.compile(
    r'{ url = "(?P<url>[^"]+)", (?:size = (?P<size>\d+), )?hashes = { sha256 = "(?P<sha256>[0-9a-f]{64})" } }'
)
_NEEDS = re.compile(r'    { name = "([^"]+)" },')
_URL = re.compile(r"^  url: (?P<url>\S+)$", re.MULTILINE)
_HASHES = re.compile(r"^    md5: (?P<md5>[0-9a-f]{32})\n    sha256: (?P<sha256>[0-9a-f]{64})$", re.MULTILINE)
_CANONICAL = (
    "https://files.pythonhosted.org/",
    "https://download.pytorch.org/",
    "https://download-r2.pytorch.org/",
)
_DEPENDS = re.compile(r"^    ([A-Za-z0-9_.-]+): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipRecord:
    """A wheel of a shipped lock. `needs` are the packages that it needs, by the platform and Python of each lock."""

    url: str
    sha256: str
    size: int | None
    needs: Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaRecord:
    """A package of a shipped lock."""

    url: str
    md5: str
    sha256: str
    depends: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFiles:
    """The packages of all shipped locks: wheels by file name, conda packages by subdir and file name.

    `names` are the same by sha256.
    """

    wheels: Mapping[str, Collection[PipRecord]]
    conda: Mapping[str, CondaRecord]
    names: Mapping[str, str]


@cache
def known_files(root: Path) -> KnownFiles:
    """Read the tree of shipped locks, as text: what envgen wrote there has one form."""
    wheels: defaultdict[str, dict[tuple[str, str], PipRecord]] = defaultdict(dict)
    conda: dict[str, CondaRecord] = {}
    for path in sorted(root.glob(f"*/py*/*/{PYLOCK.one}")):
        place = path.parts[-4], path.parts[-3].removeprefix("py")
        for record in _pip_records(path.read_text(encoding="utf-8"), place):
            of_name = wheels[file_name(record.url)]
            before = of_name.get((record.url, record.sha256))
            needs = {**before.needs, **record.needs} if before is not None else record.needs
            of_name[record.url, record.sha256] = PipRecord(
                url=record.url, sha256=record.sha256, size=record.size, needs=needs
            )
    for path in sorted(root.glob(f"*/py*/*/{CONDA_LOCK.one}")):
        for conda_record in _conda_records(path.read_text(encoding="utf-8")):
            conda["/".join(conda_record.url.rsplit("/", 2)[1:])] = conda_record
    names = {record.sha256: name for name, found in wheels.items() for record in found.values()}
    names |= {record.sha256: name for name, record in conda.items()}
    return KnownFiles(wheels={name: tuple(found.values()) for name, found in wheels.items()}, conda=conda, names=names)


def _pip_records(text: str, place: tuple[str, str]) -> Iterator[PipRecord]:
    for entry in text.split("\n[[packages]]\n")[1:]:
        if found := _WHEEL.search(entry):
            size = int(found["size"]) if found["size"] else None
            needs = {place: frozenset(_NEEDS.findall(entry))}
            yield PipRecord(url=found["url"], sha256=found["sha256"], size=size, needs=needs)


def _conda_records(text: str) -> Iterator[CondaRecord]:
    for entry in text.split("\n- name: ")[1:]:
        url, hashes = _URL.search(entry), _HASHES.search(entry)
        if url is not None and hashes is not None:
            depends = entry[: url.start()].partition("\n  dependencies:")[2]
            found = (f"{name} {_plain(value)}".strip() for name, value in _DEPENDS.findall(depends))
            yield CondaRecord(url=url["url"], md5=hashes["md5"], sha256=hashes["sha256"], depends=frozenset(found))


def _plain(value: str) -> str:
    """A scalar of YAML without its quotes."""
    return value[1:-1].replace("''", "'") if value[:1] == value[-1:] == "'" and len(value) > 1 else value


def check_known_wheels(lock: PipLock, known: KnownFiles, file: str, *, exact: bool) -> Iterator[Finding]:
    """Wheels with the file name of a shipped lock's: hash, size, place and needs must be those.

    What an extra adds to the needs of a package is not in them: without `exact` a package may need more.
    """
    for package in lock.packages:
        records = known.wheels.get(file_name(package.url), ())
        yield from _of_another(package.name, file_name(package.url), package.sha256, known, file)
        if not records:
            continue
        of_hash = next((record for record in records if record.sha256 == package.sha256), None)
        if of_hash is None:
            yield _hash(file, file_name(package.url), package.sha256, next(iter(records)).sha256)
            continue
        yield from check_size(package, of_hash.size, "a shipped lock", file)
        # A mirror's place is judged by its host.
        if package.url.startswith(_CANONICAL):
            yield from check_place(package, of_hash.url, "a shipped lock", file)
        needs = of_hash.needs.get((lock.subdir.value, lock.python))
        yield from _needs(package.name, needs, {*package.dependencies}, file, exact=exact)


def check_size(package: PipPackage, size: int | None, source: str, file: str) -> Iterator[Finding]:
    """The size of a file beside what a source states."""
    if None not in (package.size, size) and package.size != size:
        evidence = (f"locked: {package.size} bytes", f"{source}: {size} bytes")
        title = f"size of {file_name(package.url)}"
        yield Finding(code=Code.SIZE_MISMATCH, file=file, title=title, evidence=evidence)


def check_place(package: PipPackage, url: str, source: str, file: str) -> Iterator[Finding]:
    """The URL of a file beside the one that a source states."""
    if _one_host(package.url) != _one_host(url):
        title = f"the file of {package.name} is not where its index keeps it"
        evidence = (f"locked: {package.url[:160]}", f"{source}: {url[:160]}")
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=evidence)


def _one_host(url: str) -> str:
    """PyTorch's pages name two hosts for the same files, and spell the + of a version in two ways."""
    return url.replace("://download-r2.pytorch.org/", "://download.pytorch.org/", 1).replace("%2B", "+")


def _needs(
    name: str, needed: Collection[str] | None, stated: set[str], file: str, *, exact: bool = True
) -> Iterator[Finding]:
    """What a package is said to need beside what it needs, None where that is not known."""
    for other in sorted(set(needed or ()) - stated):
        title = f"{name} needs {other}, which is not stated"
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title)
    for other in sorted(stated - set(needed)) if needed is not None and exact else ():
        title = f"{name} is said to need {other[:80]}, which it does not"
        yield Finding(code=Code.NOT_NEEDED, file=file, title=title)


def check_known_conda(lock: CondaLock, known: KnownFiles, file: str) -> Iterator[Finding]:
    """Conda packages with the subdir and file name of a shipped lock's: hashes, place and needs must be those."""
    for package in lock.packages:
        filename = package.url.rpartition("/")[2]
        record = known.conda.get(f"{package.subdir}/{filename}")
        yield from _of_another(package.name, f"{package.subdir}/{filename}", package.sha256, known, file)
        if record is None:
            continue
        for locked, there in ((package.sha256, record.sha256), (package.md5, record.md5)):
            if locked != there:
                yield _hash(file, filename, locked, there)
        if package.url.startswith("https://conda.anaconda.org/") and package.url != record.url:
            title = f"the file of {package.name} is not where its channel keeps it"
            evidence = (f"locked: {package.url[:160]}", f"a shipped lock: {record.url}")
            yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=evidence)
        stated = {text.removesuffix(" *") for text in package.depends}
        yield from _needs(package.name, record.depends, stated, file)


def _hash(file: str, filename: str, locked: str, there: str) -> Finding:
    kind = "sha256" if len(there) == 64 else "md5"
    evidence = (f"locked: {locked}", f"a shipped lock: {there}")
    return Finding(code=Code.HASH_MISMATCH, file=file, title=f"{kind} of {filename}", evidence=evidence)


def _of_another(name: str, filename: str, sha256: str, known: KnownFiles, file: str) -> Iterator[Finding]:
    """A hash that is that of another file."""
    there = known.names.get(sha256, filename)
    if there != filename:
        title = f"the hash of {name} is that of another file"
        evidence = (f"locked: {filename[:160]}", f"a shipped lock: {there}")
        yield Finding(code=Code.HASH_MISMATCH, file=file, title=title, evidence=evidence)


def is_shipped_wheels(lock: PipLock, build: Build | None, root: Path) -> bool:
    """True when the packages of a lock are those of the shipped lock of its build, every byte of them."""
    text = _shipped_texts(build, lock.python, root).get(PYLOCK.one)
    return text is not None and PYLOCK.read(split(text)[1], PYLOCK.one).packages == lock.packages


def is_shipped_conda(lock: CondaLock, build: Build | None, python: str, root: Path) -> bool:
    """True when a lock is the shipped lock of its build: packages, channels, specs and virtual packages."""
    texts = _shipped_texts(build, python, root)
    try:
        return bool(texts) and lock in read_conda({name: split(text)[1] for name, text in texts.items()})
    except LockFormatError:
        return False


def _shipped_texts(build: Build | None, python: str, root: Path) -> Mapping[str, str]:
    """File name -> text of the shipped lock of a build, empty when none is shipped."""
    if build is None:
        return {}
    folder = root / Shipped.of(build, python).folder
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} if folder.is_dir() else {}


def is_as_shipped(bodies: Mapping[str, str], subdir: Subdir, python: str, root: Path) -> bool:
    """True when the conda files among some bodies are those of one shipped lock, but for the environment's name."""
    here = {name: body for name, body in bodies.items() if set_of(name) is PackageSet.CONDA}
    lock_file = CONDA_LOCK.one
    places = (root / subdir.value / f"py{python}").glob(f"*/{lock_file}")
    return lock_file in here and any(
        _body(place) == here[lock_file] and _is_like(here, place.parent) for place in sorted(places)
    )


def _is_like(here: Mapping[str, str], folder: Path) -> bool:
    shipped = {path.name: _body(path) for path in folder.iterdir() if set_of(path.name) is PackageSet.CONDA}
    return {name: variant_like(body, here.get(name, ""), name) for name, body in shipped.items()} == here


def _body(path: Path) -> str:
    return split(path.read_text(encoding="utf-8"))[1]
