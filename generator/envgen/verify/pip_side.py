"""Checks the pip lock of one subdir: requirements.txt beside pylock.toml, the catalog and the indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from envgen.core.builds import PipBuild
from envgen.core.errors import ValueFormatError
from envgen.core.errors_lock import IndexDataError, IndexUnreachableError
from envgen.core.findings import Level, SkippedCheck
from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName, file_name
from envgen.facts.builds import BuildCatalog
from envgen.lock.fetch import Deadline, Patience, Retry
from envgen.lock.pip_hashes import HashCheck, HashState, check_hashes, site_of
from envgen.lock.pip_index import read_requires
from envgen.lock.pip_query import PYPI_INDEX, TORCH_INDEX
from envgen.verify.claims import Claims, check_build, check_cudnn
from envgen.verify.findings import Asking, Code, Finding

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>\S+)")
_COMPANIONS = ("torchvision", "torchaudio")
# Where the two indexes keep their files.
_FILES = {
    PYPI_INDEX: ("https://files.pythonhosted.org/",),
    TORCH_INDEX: (f"{TORCH_INDEX}/", "https://download-r2.pytorch.org/whl/"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a requirements.txt holds: its index, and name -> (version, sha256). `strange` are lines of another form."""

    index: str
    pins: Mapping[str, tuple[str, str]]
    strange: tuple[str, ...]


def read_requirements(text: str) -> Requirements:
    """Read the body of a requirements.txt in the form that envgen writes."""
    index, pins, strange = "", {}, []
    for line in text.splitlines():
        plain = line.strip()
        if not plain or plain.startswith(("#", "--find-links ")):
            continue
        if plain.startswith("--index-url "):
            index = plain.removeprefix("--index-url ")
        elif found := _PIN.fullmatch(plain):
            pins[found["name"]] = (found["version"], found["sha256"])
        else:
            strange.append(plain)
    return Requirements(index=index, pins=pins, strange=tuple(strange))


def compare_files(requirements: Requirements, lock: PipLock, file: str, beside: str) -> Iterator[Finding]:
    """Differences between a requirements.txt and the pylock.toml beside it."""
    for line in requirements.strange:
        title = f"a line that is no pin with a hash: {line[:60]}"
        yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)
    torch = next((package.index for package in lock.packages if package.name == "torch"), "")
    if torch and requirements.index.rstrip("/") != torch.rstrip("/"):
        title = f"--index-url {requirements.index or '(none)'} is not the index that torch is locked from"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=(f"{beside}: {torch}",))
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


def check_pip(lock: PipLock, claims: Claims, file: str, builds: BuildCatalog) -> Iterator[Finding]:
    """Everything that can be said of a lock without a network."""
    tag, build = _build(lock, builds)
    torch = next((package for package in lock.packages if package.name == "torch"), None)
    if torch is None:
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title="there is no torch in it")
    elif not tag:
        yield Finding(
            code=Code.CPU_BUILD, file=file, title=f"torch {torch.version} from {torch.index} is no CUDA build"
        )
    elif build is None:
        title = f"the catalog knows no torch {torch.version} ({tag}) for {lock.subdir}: what it runs on is unknown"
        yield Finding(code=Code.BUILD_UNKNOWN, file=file, title=title, level=Level.WARNING)
    else:
        yield from check_build(build, claims, file, builds)
    yield from _companions(lock, tag, file, builds)
    for package in lock.packages:
        yield from _place(package, tag, file)
        yield from _wheel(package, lock, file)
        if package.name.startswith("nvidia-cudnn-"):
            yield from check_cudnn(claims, package.name, package.version, file)
    yield from _closure(lock, file)


def _build(lock: PipLock, builds: BuildCatalog) -> tuple[str, PipBuild | None]:
    """The CUDA tag of the locked torch (empty: not a CUDA build), and the catalog's row of it."""
    torch = next((package for package in lock.packages if package.name == "torch"), None)
    if torch is None:
        return "", None
    release, _, local = torch.version.partition("+")
    rows = [row for row in builds.pip_builds(lock.subdir) if row.torch == release]
    tag = local or _tag_of_index(torch.index)
    if not tag:
        on_pypi = next((row for row in rows if row.on_pypi), None)
        return (on_pypi.cuda_tag, on_pypi) if on_pypi else ("", None)
    if not re.fullmatch(r"cu\d+", tag):
        return "", None
    return tag, next((row for row in rows if row.cuda_tag == tag), None)


def _tag_of_index(index: str) -> str:
    """The last part of an index's URL when it is one of PyTorch's: `cu126`, `cpu`; else empty."""
    last = index.rstrip("/").rpartition("/")[2]
    return last if re.fullmatch(r"cu\d+|cpu|rocm[\d.]+|xpu", last) else ""


def _companions(lock: PipLock, tag: str, file: str, builds: BuildCatalog) -> Iterator[Finding]:
    release, _, local = lock.version_of("torch").partition("+")
    known = builds.companions.get(release)
    for name in _COMPANIONS:
        version, _, its_local = lock.version_of(name).partition("+")
        if not version:
            continue
        if its_local != local:
            title = f"{name} {lock.version_of(name)} beside torch {lock.version_of('torch')}: another build"
            yield Finding(code=Code.COMPANION_MISMATCH, file=file, title=title)
        if known is None or not tag:
            continue
        fitting = [known.torchvision] if name == "torchvision" else [known.torchaudio, known.torchaudio_loads]
        if version not in fitting:
            title = f"{name} {version} does not go with torch {release}"
            evidence = (f"it goes with {next((v for v in fitting if v), 'none')}",)
            yield Finding(code=Code.COMPANION_MISMATCH, file=file, title=title, evidence=evidence)


def _place(package: PipPackage, tag: str, file: str) -> Iterator[Finding]:
    """The index of a package, and whether its file lies where that index keeps its files."""
    index = package.index.rstrip("/")
    local = package.version.partition("+")[2]
    of_index = _tag_of_index(index)
    if (local or of_index) and local != of_index and (local or of_index != tag):
        title = f"{package.name} {package.version} is said to come from {index}"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title)
    base = TORCH_INDEX if index.startswith(f"{TORCH_INDEX}/") else index
    if base in _FILES and not package.url.startswith(_FILES[base]):
        title = f"the file of {package.name} is not where {index} keeps its files"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=(package.url,))


def _wheel(package: PipPackage, lock: PipLock, file: str) -> Iterator[Finding]:
    filename = file_name(package.url)
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


def check_on_indexes(lock: PipLock, asking: Asking, file: str) -> tuple[list[Finding], list[SkippedCheck]]:
    """Compare every hash with its index (or, offline, with the catalog), and every requirement with what is locked.

    Raises: UsageError when a mirror is not a URL.
    """
    checks = check_hashes(
        lock, wheel_mirror=asking.wheel_mirror, pypi=asking.pypi, offline=asking.offline, timeout_s=asking.timeout_s
    )
    findings = [finding for check in checks if (finding := _of_hash(check, file))]
    skipped: list[SkippedCheck] = []
    open_ = [check for check in checks if check.state in (HashState.UNCHECKED, HashState.UNSTATED)]
    if open_:
        reason = "offline, and the catalog knows no hash of them" if asking.offline else open_[0].detail
        skipped.append(
            SkippedCheck(check=f"{file}: {len(open_)} of {len(checks)} hashes", reason=reason or "not stated")
        )
    if asking.offline:
        skipped.append(SkippedCheck(check=f"{file}: versions that the wheels ask for", reason="offline"))
    else:
        wrong, unread = _requirements(lock, checks, asking, file)
        findings += wrong
        if unread:
            reason = f"the index does not serve the metadata of {unread[0]}"
            more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
            skipped.append(SkippedCheck(check=f"{file}: versions that some wheels ask for", reason=reason + more))
    return findings, skipped


def _of_hash(check: HashCheck, file: str) -> Finding | None:
    if check.state is HashState.MISMATCH:
        evidence = (f"locked: {check.locked}", f"{check.source}: {check.found}")
        return Finding(code=Code.HASH_MISMATCH, file=file, title=f"sha256 of {check.filename}", evidence=evidence)
    if check.state is HashState.MISSING:
        title = f"{check.filename} is not on its index"
        return Finding(code=Code.NOT_ON_INDEX, file=file, title=title, evidence=(check.source,))
    return None


def _requirements(
    lock: PipLock, checks: Sequence[HashCheck], asking: Asking, file: str
) -> tuple[list[Finding], list[str]]:
    """What the wheels ask for and the lock lacks; and the packages whose metadata could not be read."""
    from concurrent.futures import ThreadPoolExecutor

    listed = {check.package: check.listed for check in checks}
    patience = Patience(deadline=Deadline.after(asking.timeout_s), retry=Retry())

    def read(package: PipPackage) -> tuple[str, ...] | None:
        page_file = listed[package.name]
        if page_file is None:
            return None
        site = site_of(package, asking.wheel_mirror, asking.pypi)
        try:
            return read_requires(site, page_file, patience=patience)
        except (IndexUnreachableError, IndexDataError):
            return None

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = dict(zip([p.name for p in lock.packages], pool.map(read, lock.packages), strict=True))
    found = [finding for name, requires in answers.items() for finding in unmet(name, requires or (), lock, file)]
    return found, [name for name, requires in answers.items() if requires is None]


def unmet(name: str, requires: Iterable[str], lock: PipLock, file: str) -> Iterator[Finding]:
    """The Requires-Dist lines of one locked package that the lock does not satisfy on its own platform."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    environment = marker_environment(lock)
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        needed = canonicalize_name(requirement.name)
        version = lock.version_of(needed)
        if not version:
            title = f"{name} needs {requirement.name}{requirement.specifier}, which is not locked"
            yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title)
        elif not requirement.specifier.contains(version, prereleases=True):
            title = f"{name} needs {requirement.name}{requirement.specifier}, {version} is locked"
            yield Finding(code=Code.DEPENDENCY_VERSION, file=file, title=title)


def marker_environment(lock: PipLock) -> dict[str, str]:
    """The values of PEP 508 markers on the lock's platform, whatever this host is."""
    windows = lock.subdir.is_windows
    machine = {Subdir.LINUX_64: "x86_64", Subdir.LINUX_AARCH64: "aarch64", Subdir.WIN_64: "AMD64"}[lock.subdir]
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{lock.python}.0",
        "os_name": "nt" if windows else "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Windows" if windows else "Linux",
        "platform_version": "",
        "python_full_version": f"{lock.python}.0",
        "python_version": lock.python,
        "sys_platform": "win32" if windows else "linux",
    }
