"""What the locked wheels hold: one owner of each file, and the CUDA that torch has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import PipLock
from envgen.core.requirements import cuda_major_in
from envgen.core.resolution import Notice
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.net.deadline import Patience
from envgen.solve.errors import CudaClashError
from envgen.solve.pip.answer import UvPackage
from envgen.solve.pip.query import FAMILY, FAMILY_IF_THERE

if TYPE_CHECKING:
    from envgen.net.wheel_contents import WheelContents

_AT_ONCE = 8
_FIRST_WITHOUT_SUFFIX = 13  # nvidia-cuda-runtime 13.0.48 is the first release of that name with libraries
_LIBRARY = re.compile(r"\.(?:so(?:\.\d+)*|dll|pyd)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """A wheel of a lock: where it is served, the packages that ask for it, and whether the request itself does."""

    name: str
    version: str
    url: str
    sha256: str
    size: int | None
    via: tuple[str, ...]
    is_asked_for: bool


def wheels_of(lock: PipLock, asked: Iterable[str], served: Mapping[str, str] | None = None) -> tuple[LockedWheel, ...]:
    """The wheels of a lock; `asked` are the names that were asked for, `served` where they are, if not at their URL."""
    wanted = set(asked)
    return tuple(
        LockedWheel(
            name=package.name,
            version=package.version,
            url=(served or {}).get(package.name, package.url),
            sha256=package.sha256,
            size=package.size,
            via=tuple(other.name for other in lock.packages if package.name in other.dependencies),
            is_asked_for=package.name in wanted,
        )
        for package in lock.packages
        if not package.is_source
    )


def read_all(wheels: Sequence[LockedWheel], *, patience: Patience) -> dict[str, WheelContents]:
    """Name -> what the wheel holds, of those that could be read: it warns, no lock hangs on it."""

    from concurrent.futures import ThreadPoolExecutor

    from envgen.net.wheel_contents import kept_contents, read_contents

    def read(wheel: LockedWheel) -> WheelContents | None:
        with suppress(EnvgenError):
            return read_contents(wheel.url, wheel.sha256, wheel.size, patience=patience)
        return None

    contents = {wheel.name: kept_contents(wheel.sha256) for wheel in wheels}
    missing = [wheel for wheel in wheels if contents[wheel.name] is None]
    missing.sort(key=lambda wheel: not _is_bound(wheel, wheels))  # what can clash with torch, before time is up
    if missing:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            contents |= zip((wheel.name for wheel in missing), pool.map(read, missing), strict=True)
    return {name: found for name, found in contents.items() if found is not None}


def judged(
    wheels: Sequence[LockedWheel], contents: Mapping[str, WheelContents], *, build: str, major: int
) -> tuple[Notice, ...]:
    """What is to be said of the wheels of a lock beside a build of torch with a CUDA major, 0 for a CPU build.

    Raises: CudaClashError.
    """
    if major:
        _check_majors(wheels, contents, build=build, major=major)
    owners = tuple(_owners(wheels, contents, build=build, major=major))
    return (*_unread(wheels, contents, major), *owners) if major else owners


def clash_of(packages: Iterable[UvPackage], *, build: str, major: int, patience: Patience) -> CudaClashError | None:
    """The first wheel of a solution, of those that are asked for or need torch, that can't be beside a build."""
    wheels = tuple(
        LockedWheel(
            name=package.name,
            version=package.version,
            url=wheel.url,
            sha256=wheel.sha256,
            size=wheel.size,
            via=tuple(package.via),
            is_asked_for=package.is_requested,
        )
        for package in packages
        for wheel in package.wheels[:1]
        if wheel.url.endswith(".whl")
    )
    loading = [wheel for wheel in wheels if _is_bound(wheel, wheels)]
    try:
        judged(wheels, read_all(loading, patience=patience), build=build, major=major)
    except CudaClashError as clash:
        return clash
    return None


def _check_majors(
    wheels: Sequence[LockedWheel], contents: Mapping[str, WheelContents], *, build: str, major: int
) -> None:
    """Raise for a wheel that loads other CUDA majors only, or says so in its name, unless the lock holds their runtime.

    NVIDIA's own packages are libraries that others load.
    """
    names = {wheel.name for wheel in wheels}
    for wheel in wheels:
        if wheel.name.startswith("nvidia-"):
            continue
        in_name, found = cuda_major_in(wheel.name), contents.get(wheel.name)
        if known := in_name or _opened(wheel):
            majors = frozenset({known})
        else:
            majors = found.cuda_majors if found is not None else frozenset()
        if not majors or major in majors:
            continue
        if in_name and not _is_bound(wheel, wheels):
            continue  # what comes along for another CUDA may be for who has it (cupy-cuda12x of ray)
        if names.isdisjoint(name for other in majors for name in _runtimes(other)):
            needs = " or ".join(str(other) for other in sorted(majors))
            label = f"{wheel.name} {wheel.version}"
            does = f"{label} is for" if known else f"the wheel of {label} loads"
            raise CudaClashError(
                package=wheel.name,
                version=wheel.version,
                needs=majors,
                build=build,
                has=major,
                reason=f"{does} CUDA {needs}, torch {build} has CUDA {major}",
            )


def _opened(wheel: LockedWheel) -> int:
    """The CUDA major of libraries that a package opens by name while it runs, by the table; zero for none known."""
    rows = [row for row in Catalog.load().rows("companion_cuda") if row["package"] == wheel.name and row["opened"]]
    if not rows:  # nearly all: each wheel of a lock is asked about
        return 0
    from packaging.version import Version

    version = Version(wheel.version)
    majors = [int(row["cuda_major"]) for row in rows if not row["since"] or Version(row["since"]) <= version]
    return majors[-1] if majors else 0


def _runtimes(major: int) -> tuple[str, ...]:
    """The packages that hold the libraries of a CUDA major."""
    suffixes = (f"-cu{major}", *(("",) if major >= _FIRST_WITHOUT_SUFFIX else ()))
    return tuple(f"{name}{suffix}" for name in ("nvidia-cuda-runtime", "nvidia-cublas") for suffix in suffixes)


def _unread(wheels: Sequence[LockedWheel], contents: Mapping[str, WheelContents], major: int) -> Iterator[Notice]:
    """What is loaded beside torch and could not be looked into: nobody knows whether it fits."""
    names = [f"{w.name} {w.version}" for w in wheels if w.name not in contents and _is_bound(w, wheels)]
    if names:
        text = f"which CUDA {', '.join(names)} loads could not be read in time; torch has CUDA {major}"
        yield Notice(code="wheel-not-read", text=text, package_set=PackageSet.PIP)


def _is_bound(wheel: LockedWheel, wheels: Iterable[LockedWheel]) -> bool:
    """True for what is loaded beside torch: it is asked for, or needs torch, or is known to, as torchcodec is."""
    if _opened(wheel):
        return True
    needing_torch = {*FAMILY_IF_THERE, *(one for other in wheels if other.name == "torch" for one in other.via)}
    return wheel.name not in FAMILY and (wheel.is_asked_for or wheel.name in needing_torch)


def _owners(
    wheels: Sequence[LockedWheel], contents: Mapping[str, WheelContents], *, build: str, major: int
) -> Iterator[Notice]:
    """The pairs of wheels that install the same files. Raises: CudaClashError for NVIDIA's libraries."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    twice: set[str] = set()
    for found in contents.values():  # tens of thousands of paths, and nearly always none of them twice
        twice.update(seen.intersection(found.files))
        seen.update(found.files)
    for name in sorted(contents) if twice else ():
        for path in contents[name].files:
            if path in twice:
                owners[path].append(name)
    shared: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path, names in owners.items():
        for pair in combinations(names, 2):
            shared[pair].append(path)
    for (one, other), paths in shared.items():
        differing = [path for path in paths if contents[one].files[path] != contents[other].files[path]]
        libraries = [path for path in differing if _LIBRARY.search(path)]
        if libraries and any(path.startswith("nvidia/") for path in libraries):
            raise _two_owners(wheels, (one, other), libraries, build=build, major=major)
        if differing:
            text = f"{one} and {other} install {_some(differing)} with different bytes: what is installed last stays"
            yield Notice(code="two-owners", text=text, package_set=PackageSet.PIP)
        elif any(_LIBRARY.search(path) for path in paths):
            text = f"{one} and {other} both install {_some(paths)}, with the same bytes: either may stay"
            yield Notice(code="same-files", text=text, package_set=PackageSet.PIP)


def _two_owners(
    wheels: Sequence[LockedWheel], pair: tuple[str, str], libraries: Sequence[str], *, build: str, major: int
) -> CudaClashError:
    """The error of two packages with one library of NVIDIA's; what asks for that of another major is named."""
    majors = {name: cuda_major_in(name) for name in pair}
    name = max(pair, key=lambda one: majors[one] not in (0, major))
    wheel = _asking({wheel.name: wheel for wheel in wheels}, name)
    return CudaClashError(
        package=wheel.name,
        version=wheel.version,
        needs=frozenset({majors[name]} - {0}),
        build=build,
        has=major,
        reason=f"{pair[0]} and {pair[1]} both install {_some(libraries)}, with different bytes",
        is_of_files=True,
    )


def _asking(wheels: Mapping[str, LockedWheel], name: str) -> LockedWheel:
    """The package that was asked for and brings another one along, or that one itself."""
    seen, level = {name}, [name]
    while level:
        for one in level:
            if wheels[one].is_asked_for and one not in FAMILY:
                return wheels[one]
        level = sorted({by for one in level for by in wheels[one].via if by in wheels} - seen)
        seen.update(level)
    return wheels[name]


def _some(paths: Sequence[str]) -> str:
    rest = f" and {len(paths) - 1} more files" if len(paths) > 1 else ""
    return f"{min(paths)}{rest}"
