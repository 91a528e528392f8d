"""Checks the pip lock of one subdir: requirements.txt beside pylock.toml, the catalog and the indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from envgen.core.builds import Build
from envgen.core.errors import ValueFormatError
from envgen.core.findings import Level
from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU
from envgen.core.requirements import read_version
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI, TORCH
from envgen.core.wheel_names import WheelName, file_name, glibc_key
from envgen.facts.catalog import Catalog
from envgen.files.formats.pylock import environment_marker, pylock_document
from envgen.files.formats.requirements import Requirements
from envgen.verify.claims import Claims, check_build, check_cudnn, check_once, other_kind
from envgen.verify.findings import Code, Finding
from envgen.verify.pip_requires import check_known_requires
from envgen.verify.places import place_of

_COMPANIONS = ("torchvision", "torchaudio")
# Where the two indexes keep their files.
_FILES = {
    PYPI: ("https://files.pythonhosted.org/",),
    TORCH: (f"{TORCH}/", "https://download-r2.pytorch.org/whl/"),
}


def compare_files(requirements: Requirements, lock: PipLock, file: str, beside: str) -> Iterator[Finding]:
    """Differences between a requirements.txt and the pylock.toml beside it."""
    for line in requirements.strange:
        title = f"a line that is no pin with a hash: {line[:60]}"
        yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)
    torch = next((package.index for package in lock.packages if package.name == "torch"), "")
    if requirements.names_no_index:  # made with --no-index-lines, for a folder of wheels
        torch = ""
    if torch and requirements.index.rstrip("/") != torch.rstrip("/"):
        title = f"--index-url {requirements.index or '(none)'} is not the index that torch is locked from"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=(f"{beside}: {torch}",))
    for name in requirements.twice:
        yield Finding(code=Code.PACKAGE_TWICE, file=file, title=f"{name} has several lines")
    yield from _find_links(requirements, lock, torch, file)
    locked = {package.name: (package.version, package.sha256) for package in lock.packages}
    for name in sorted({*locked, *requirements.pins}):
        here, there = requirements.pins.get(name), locked.get(name)
        if here == there:
            continue
        if here is None or there is None:
            yield Finding(code=Code.FILES_DISAGREE, file=file if here is None else beside, title=f"{name} is missing")
            continue
        what, at = ("version", 0) if here[0] != there[0] else ("sha256", 1)
        evidence = (f"{file}: {here[at]}", f"{beside}: {there[at]}")
        yield Finding(code=Code.FILES_DISAGREE, file=file, title=f"{what} of {name} differs", evidence=evidence)


def _find_links(requirements: Requirements, lock: PipLock, main: str, file: str) -> Iterator[Finding]:
    """A package that is locked from elsewhere than torch needs its page there, or pip and uv do not find it."""
    needed = {f"{p.index.rstrip('/')}/{p.name}/" for p in lock.packages if main and p.index != main}
    for page in sorted(needed.difference(requirements.find_links)):
        yield Finding(code=Code.FIND_LINKS_WRONG, file=file, title=f"--find-links {page} is missing")
    for page in dict.fromkeys(requirements.find_links):
        if page not in needed:
            title = f"--find-links {page[:120]} leads to no package of the lock"
            yield Finding(code=Code.FIND_LINKS_WRONG, file=file, title=title)


def check_standard(text: str, file: str) -> Iterator[Finding]:
    """A pylock.toml by the standard's own reader (packaging.pylock), which every installer's is like."""
    from packaging.pylock import Pylock, PylockValidationError

    try:
        Pylock.from_dict(pylock_document(text))
    except PylockValidationError as error:
        title = f"it is no lock by the standard (PEP 751): {str(error)[:160]}"
        yield Finding(code=Code.FILE_UNREADABLE, file=file, title=title)


def check_environment(text: str, lock: PipLock, file: str) -> Iterator[Finding]:
    """What makes an installer refuse a pylock.toml (PEP 751) must be of the platform and Python that it is for."""
    document = pylock_document(text)
    for key, wanted in (
        ("environments", [environment_marker(lock.subdir)]),
        ("requires-python", f"=={lock.python}.*"),
    ):
        if document.get(key) != wanted:
            title = f"its {key} is not that of {_host(lock.subdir, lock)}"
            evidence = (f"{file}: {str(document.get(key))[:160]}", f"expected: {wanted}")
            yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title, evidence=evidence)


def check_glibc(lock: PipLock, glibc: str, file: str) -> Iterator[Finding]:
    """Wheels that need a newer glibc than the request's; the lock may have been made for an older one."""
    if glibc and lock.glibc and glibc_key(lock.glibc) > glibc_key(glibc):
        title = f"it is for glibc {lock.glibc}, the request is for {glibc}"
        yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title)
    asked = replace(lock, glibc=glibc)
    for package in lock.packages if lock.subdir.is_linux and lock.glibc != glibc else ():
        yield from _wheel(package, asked, file)


def strange_versions(lock: PipLock, file: str) -> Iterator[Finding]:
    """Versions that PEP 440 does not know, so that nothing can be compared with them."""
    for package in lock.packages:
        if read_version(package.version) is None:
            title = f"{package.version[:40]!r} is no version of {package.name}"
            yield Finding(code=Code.FILE_UNREADABLE, file=file, title=title)


def pip_places(lock: PipLock, requirements: Requirements | None) -> Iterator[tuple[str, str]]:
    """Every URL that an installer would follow, with what it is of."""
    if requirements is not None:
        yield from (("--index-url", index) for index in [requirements.index] if index)
        yield from (("--find-links", page) for page in requirements.find_links)
    for package in lock.packages:
        yield f"the index of {package.name}", package.index
        yield f"the file of {package.name}", package.url


def check_pip(lock: PipLock, claims: Claims, file: str, builds: Catalog) -> Iterator[Finding]:
    """Everything that can be said of a lock without a network."""
    tag, build = locked_build(lock, builds)
    torch = lock.find("torch")
    if torch is None:
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title="there is no torch in it")
    elif not tag:
        yield Finding(
            code=Code.CPU_BUILD, file=file, title=f"torch {torch.version} from {torch.index} is no CUDA build"
        )
    elif (tag == CPU) is not claims.is_cpu:
        yield other_kind(f"torch {torch.version} from {torch.index}", claims, file)
    elif build is None:
        title = f"the catalog knows no torch {torch.version} ({tag}) for {lock.subdir}: what it runs on is unknown"
        yield Finding(code=Code.BUILD_UNKNOWN, file=file, title=title, level=Level.WARNING)
    else:
        yield from check_build(build, claims, file, builds)
    yield from _companions(lock, tag, file, builds)
    yield from check_once((package.name for package in lock.packages), file)
    for package in lock.packages:
        yield from _place(package, tag, lock, file)
        yield from _wheel(package, lock, file)
        if package.name.startswith("nvidia-cudnn-"):
            yield from check_cudnn(claims, package.name, package.version, file)
    yield from _closure(lock, file)
    if torch is not None and tag:
        yield from check_known_requires(lock, tag, file)


def locked_build(lock: PipLock, builds: Catalog) -> tuple[str, Build | None]:
    """The CUDA tag of the locked torch (or `cpu`; empty for another kind of build), and the catalog's row."""
    torch = lock.find("torch")
    if torch is None:
        return "", None
    release, _, local = torch.version.partition("+")
    both = (row for cpu in (False, True) for row in builds.builds(PackageSet.PIP, lock.subdir, cpu=cpu))
    rows = [row for row in both if row.torch == release]
    tag = local or _tag_of_index(torch.index)
    if not tag:
        on_pypi = next((row for row in rows if row.on_pypi), None)
        return (on_pypi.cuda_tag, on_pypi) if on_pypi else ("", None)
    if not re.fullmatch(r"cu\d+|cpu", tag):
        return "", None
    return tag, next((row for row in rows if row.cuda_tag == tag), None)


def _tag_of_index(index: str) -> str:
    """The last part of an index's URL when it is one of PyTorch's: `cu126`, `cpu`; else empty."""
    last = index.rstrip("/").rpartition("/")[2]
    return last if re.fullmatch(r"cu\d+|cpu|rocm[\d.]+|xpu", last) else ""


def _companions(lock: PipLock, tag: str, file: str, builds: Catalog) -> Iterator[Finding]:
    release, _, local = lock.version_of("torch").partition("+")
    known = builds.companions.get(release)
    for name in _COMPANIONS:
        version, _, its_local = lock.version_of(name).partition("+")
        if not version:
            continue
        # PyTorch's CPU index has companions without a local version for Arm, up to torchvision 0.24.1.
        if its_local not in (local, "" if tag == CPU else local):
            title = f"{name} {lock.version_of(name)} beside torch {lock.version_of('torch')}: another build"
            yield Finding(code=Code.COMPANION_MISMATCH, file=file, title=title)
        if known is None or not tag:
            continue
        fitting = [known.torchvision] if name == "torchvision" else list(known.torchaudio_releases)
        if version not in fitting:
            title = f"{name} {version} does not go with torch {release}"
            evidence = (f"it goes with {next((v for v in fitting if v), 'none')}",)
            yield Finding(code=Code.COMPANION_MISMATCH, file=file, title=title, evidence=evidence)


def _place(package: PipPackage, tag: str, lock: PipLock, file: str) -> Iterator[Finding]:
    """The index of a package, and whether its file lies where that index keeps its files."""
    index = package.index.rstrip("/")
    if index not in {PYPI, *(p.index.rstrip("/") for p in lock.packages if p.name == "torch")}:
        title = f"{package.name} {package.version} is said to come from {index}: neither torch's index nor PyPI"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title)
    local = package.version.partition("+")[2]
    of_index = _tag_of_index(index)
    if (local or of_index) and local != of_index and (local or of_index != tag):
        title = f"{package.name} {package.version} is said to come from {index}"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title)
    base = TORCH if index.startswith(f"{TORCH}/") else index
    if base in _FILES and not package.url.startswith(_FILES[base]):
        title = f"the file of {package.name} is not where {index} keeps its files"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=(package.url,))


def _wheel(package: PipPackage, lock: PipLock, file: str) -> Iterator[Finding]:
    filename = file_name(package.url) if place_of(package.url) else ""
    if package.is_source:
        return
    try:
        wheel = WheelName.parse(filename)
    except ValueFormatError:
        yield Finding(code=Code.WRONG_PLATFORM, file=file, title=f"{filename or package.url} is no wheel")
        return
    release = package.version.partition("+")[0]
    if wheel.project != package.name or wheel.version not in (package.version, release):
        title = f"{filename} is not {package.name} {package.version}"
        yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)
    if not wheel.fits(python=lock.python, subdir=lock.subdir, glibc=lock.glibc or "2.28"):
        title = f"{filename} does not fit {_host(lock.subdir, lock)}"
        yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title)


def _host(subdir: Subdir, lock: PipLock) -> str:
    glibc = f" with glibc {lock.glibc}" if lock.glibc else ""
    return f"{subdir}{glibc}, Python {lock.python}"


def _closure(lock: PipLock, file: str) -> Iterator[Finding]:
    """Every package that another one of the lock needs must be locked, too."""
    names = {package.name for package in lock.packages}
    for package in lock.packages:
        for needed in package.dependencies:
            if needed not in names:
                title = f"{package.name} needs {needed}, which is not locked"
                yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title)
