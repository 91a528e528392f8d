"""Checks the conda lock of one subdir: conda-lock.yml beside the explicit lock, the catalog and the channels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from envgen.core.builds import Build
from envgen.core.errors import ValueFormatError
from envgen.core.findings import Level
from envgen.core.locks import CondaLock, CondaPackage
from envgen.core.releases import CPU, cuda_of_tag
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.registry import environment_beside
from envgen.solve.conda.source import CHANNEL_SITE
from envgen.solve.conda.specs import build_glob_of, constraint_of, name_of, split_channel, version_matches
from envgen.verify.claims import Claims, check_build, check_cudnn, check_once, other_kind
from envgen.verify.findings import Code, Finding

_CUDA_BUILD = re.compile(r"cuda_?(\d+)\.?(\d?)")


def compare_files(explicit: Mapping[str, str], lock: CondaLock, file: str, beside: str) -> Iterator[Finding]:
    """Differences between an explicit lock and the conda-lock.yml beside it."""
    locked = {package.url: package for package in lock.packages}
    for url in sorted({*locked, *explicit}):
        name = url.rpartition("/")[2]
        if url not in explicit:
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=f"{name} is missing")
        elif url not in locked:
            yield Finding(code=Code.FILES_DISAGREE, file=beside, title=f"{name} is missing")
        elif explicit[url] != locked[url].md5:
            evidence = (f"{file}: {explicit[url]}", f"{beside}: {locked[url].md5}")
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=f"md5 of {name} differs", evidence=evidence)


def check_conda(lock: CondaLock, claims: Claims, file: str, builds: Catalog) -> Iterator[Finding]:
    """Everything that can be said of a lock without a network."""
    torch = lock.find("pytorch")
    is_cpu = torch is not None and not _CUDA_BUILD.search(torch.build)
    if torch is None:
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title="there is no pytorch in it")
    elif is_cpu is not claims.is_cpu:
        yield other_kind(f"pytorch {torch.version} build {torch.build}", claims, file)
    else:
        row = _row(lock, torch, builds)
        if row is None:
            title = f"the catalog knows no pytorch {torch.version} build {torch.build} for {lock.subdir}"
            yield Finding(code=Code.BUILD_UNKNOWN, file=file, title=title, level=Level.WARNING)
        else:
            yield from check_build(row, claims, file, builds)
        yield from _companion(lock, torch, claims, file)
    yield from check_once((package.name for package in lock.packages), file)
    for package in lock.packages:
        yield from _place(package, lock, file)
        if package.name in ("cudnn", "libcudnn"):
            yield from check_cudnn(claims, package.name, package.version, file)
    yield from _closure(lock, file)
    yield from _specs(lock, file)


def locked_build(lock: CondaLock, builds: Catalog) -> Build | None:
    """The catalog's row of the locked pytorch, or None."""
    torch = lock.find("pytorch")
    return _row(lock, torch, builds) if torch is not None else None


def cuda_of(lock: CondaLock) -> str:
    """The CUDA X.Y that the build string of the locked pytorch names, `cpu`, or an empty string."""
    torch = lock.find("pytorch")
    found = _CUDA_BUILD.search(torch.build) if torch is not None else None
    is_cpu = torch is not None and torch.build.startswith(CPU)
    return cuda_of_tag(f"cu{found[1]}{found[2]}") if found else CPU if is_cpu else ""


def conda_places(lock: CondaLock, explicit: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every URL that an installer would follow, with what it is of."""
    yield from (("the channel", channel) for channel in lock.channels if "://" in channel)
    yield from ((package.name, package.url) for package in lock.packages)
    yield from (("the explicit lock", url) for url in explicit)


def check_glibc(lock: CondaLock, glibc: str, file: str) -> Iterator[Finding]:
    """Packages that need a newer glibc than the request's; the lock may claim another one of the target."""
    for package in lock.packages if "__glibc" in lock.virtual_packages else ():
        for text in package.depends:
            name, _, rest = text.partition(" ")
            constraint = rest.removesuffix(" *").strip()
            if name == "__glibc" and constraint and not _matches(constraint, glibc):
                title = f"{package.name} {package.version} needs glibc {constraint}, the request is for {glibc}"
                yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title)


def _row(lock: CondaLock, torch: CondaPackage, builds: Catalog) -> Build | None:
    """The catalog's row of the locked pytorch: same channel and pins as far as the lock shows them."""
    tegra = any(package.name == "arm-variant" and "tegra" in package.build for package in lock.packages)
    python = ".".join((lock.find("python") or torch).version.split(".")[:2])
    rows = [
        row
        for row in builds.builds(PackageSet.CONDA, lock.subdir, cpu=torch.build.startswith(CPU))
        if row.torch == torch.version
        and row.conda.channels[0] == torch.channel.rpartition("/")[2]
        and any(pin.startswith("arm-variant") for pin in row.conda.pins) is tegra
        and fnmatchcase(torch.build, row.conda.glob_for(python))
    ]
    return next(
        (row for row in rows if _in_range(torch.build_number, row.conda.build_numbers)), rows[0] if rows else None
    )


def _in_range(number: int, builds: str) -> bool:
    """True when a build number is in a range as the catalog writes it: `0-2`, `3`, or empty for all."""
    first, _, last = builds.partition("-")
    return first.isdigit() and int(first) <= number <= int(last if last.isdigit() else first)


def _companion(lock: CondaLock, torch: CondaPackage, claims: Claims, file: str) -> Iterator[Finding]:
    """torchvision beside pytorch: its record says what it was compiled against.

    The release may differ from the one that PyTorch publishes beside it: conda-forge built 0.24.0 for 2.8 and Arm.
    """
    vision = lock.find("torchvision")
    if vision is None:
        return
    wanted = [text.split(" ")[1] for text in vision.depends if text.startswith("pytorch ")]
    if any(not _matches(constraint, torch.version) for constraint in wanted):
        title = f"torchvision {vision.version} does not go with pytorch {torch.version}"
        evidence = (f"it was compiled for pytorch {' '.join(wanted)}",)
        yield Finding(code=Code.COMPANION_MISMATCH, file=file, title=title, evidence=evidence)
    if not claims.is_cpu and not _CUDA_BUILD.search(vision.build) and "_cu" not in vision.build:
        title = f"torchvision {vision.version} build {vision.build} is no CUDA build"
        yield Finding(code=Code.CPU_BUILD, file=file, title=title)


def _place(package: CondaPackage, lock: CondaLock, file: str) -> Iterator[Finding]:
    if package.subdir not in (lock.subdir.value, "noarch"):
        title = f"{package.name} {package.version} is a package for {package.subdir}, not {lock.subdir}"
        yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title)
    canonical = package.url.startswith(f"{CHANNEL_SITE}/")
    if canonical and package.channel not in lock.channels:
        title = f"{package.name} comes from {package.channel}, which is no channel of this lock"
        yield Finding(
            code=Code.INDEX_WRONG, file=file, title=title, evidence=(f"channels: {', '.join(lock.channels)}",)
        )


def _closure(lock: CondaLock, file: str) -> Iterator[Finding]:
    """Every depends of every package against what is locked and what is claimed of the target (virtual packages)."""
    have = {package.name: package.version for package in lock.packages}
    have |= {name: text.split()[0] for name, text in lock.virtual_packages.items()}
    for package in lock.packages:
        for text in package.depends:
            name, _, rest = text.partition(" ")
            constraint = rest.removesuffix(" *").strip()
            if name not in have:
                title = f"{package.name} needs {name}, which is {'not claimed' if name[:2] == '__' else 'not locked'}"
                yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title)
            elif constraint and not _matches(constraint, have[name]):
                title = f"{package.name} needs {name} {constraint}, {have[name]} is locked"
                yield Finding(code=Code.DEPENDENCY_VERSION, file=file, title=title)


def _specs(lock: CondaLock, file: str) -> Iterator[Finding]:
    """What the environment file asks for against what is locked."""
    environment = environment_beside(file)
    for spec in lock.specs:
        package = lock.find(name_of(spec))
        rest = constraint_of(spec)
        if package is None:
            yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=f"{environment} asks for {spec}, not locked")
            continue
        glob = build_glob_of(spec)
        constraint = rest.removeprefix("=") if glob and " " not in rest else rest
        constraint = constraint.partition("=")[0] if glob and " " not in rest else constraint.partition(" ")[0]
        channel = split_channel(spec)[0]
        if channel and channel != package.channel:
            title = f"{environment} asks for {spec}, it is locked from {package.channel}"
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)
        if (constraint and not _matches(_fuzzy(constraint), package.version)) or (
            glob and not fnmatchcase(package.build, glob)
        ):
            title = f"{environment} asks for {spec}, {package.version} build {package.build} is locked"
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)


def _matches(constraint: str, version: str) -> bool:
    """True when a version meets a constraint; what conda can't read is met by nothing."""
    try:
        return version_matches(constraint, version)
    except ValueFormatError:
        return False


def _fuzzy(constraint: str) -> str:
    """`=1.2` and the bare `1.2` of `name=1.2=build` mean 1.2 and everything below it."""
    is_exact = constraint.startswith("==") and not constraint.endswith("*")
    plain = constraint if is_exact else constraint.removeprefix("=").removeprefix("=")
    return f"{plain}.*" if plain[:1].isdigit() and not plain.endswith("*") else plain
