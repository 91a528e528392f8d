"""Holds what is locked against what is needed, both ways: nothing more is in a lock, and nothing of it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.gpus import Gpu
from envgen.core.locks import CondaLock, PipLock
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.requirements import project_of
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.wheel_names import glibc_key
from envgen.records.request import Binding, RequestRecord
from envgen.solve.conda.channels import all_channels
from envgen.solve.conda.query import claimed_cuda
from envgen.solve.conda.source import CHANNEL_SITE
from envgen.solve.conda.specs import is_bare, name_of, split_channel
from envgen.solve.conda.virtual_packages import virtual_packages
from envgen.verify.findings import Code, Finding

_COMPANIONS = ("torchvision", "torchaudio")
# Where PyPI keeps a file: by its BLAKE2 digest, or (older ones) by project.
_PYPI_FILE = re.compile(
    r"https://files\.pythonhosted\.org/packages/"
    r"(?:[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}|[a-z0-9.]+/[A-Za-z0-9]/[A-Za-z0-9._-]+)/[^/?#]+"
)
_TORCH_FILE = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[^/?#]+")


def check_pip_needs(lock: PipLock, record: RequestRecord, file: str) -> Iterator[Finding]:
    """Packages that neither torch, its companions nor the request need."""
    roots = {"torch", *_COMPANIONS, *asked_names(record, PackageSet.PIP)}
    needs = {package.name: package.dependencies for package in lock.packages}
    yield from unneeded(roots, needs, file)


def check_conda_needs(lock: CondaLock, file: str) -> Iterator[Finding]:
    """Packages that nothing in the environment file needs."""
    needs = {package.name: [text.partition(" ")[0] for text in package.depends] for package in lock.packages}
    yield from unneeded({name_of(spec) for spec in lock.specs}, needs, file)


def unneeded(roots: Iterable[str], needs: Mapping[str, Iterable[str]], file: str) -> Iterator[Finding]:
    needed: set[str] = set()
    left = [root for root in roots if root in needs]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += [other for other in needs[name] if other in needs]
    for name in sorted(needs.keys() - needed):
        title = f"{name} is locked, and nothing that was asked for needs it"
        yield Finding(code=Code.NOT_NEEDED, file=file, title=title)


def asked_of(record: RequestRecord, package_set: PackageSet) -> tuple[str, ...]:
    """The further packages that a set was asked for, as they were written."""
    texts = (*record.packages.get(Binding.BOTH, ()), *record.packages.get(Binding(package_set.value), ()))
    lines = (line.removeprefix(f"{package_set}:") for lines in record.inputs.values() for line in lines)
    others = ("-c ", *(f"{other}:" for other in PackageSet))  # a bound, and what is for the other set
    return (*texts, *(line for line in lines if not line.startswith(others)))


def asked_names(record: RequestRecord, package_set: PackageSet) -> Iterator[str]:
    """The normalised names of the packages that a set was asked for."""
    for text in asked_of(record, package_set):
        if name := project_of(split_channel(text)[1]):
            yield name


def check_files(lock: PipLock, file: str) -> Iterator[Finding]:
    """URLs of files of PyPI and PyTorch that are not of the form in which they keep them, whole."""
    for package in lock.packages:
        for host, form in (("files.pythonhosted.org", _PYPI_FILE), ("pytorch.org", _TORCH_FILE)):
            if (urlsplit(package.url).hostname or "").endswith(host) and not form.fullmatch(package.url):
                title = f"the file of {package.name} is not where {host} keeps its files"
                yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=(package.url[:160],))


def check_conda_urls(lock: CondaLock, file: str) -> Iterator[Finding]:
    """URLs of the canonical site that are not those of the package that they are of."""
    for package in lock.packages:
        stem = f"{CHANNEL_SITE}/{package.channel}/{package.subdir}/{package.name}-{package.version}-{package.build}"
        if package.url.startswith(f"{CHANNEL_SITE}/") and package.url not in (f"{stem}.conda", f"{stem}.tar.bz2"):
            title = f"the file of {package.name} is not where its channel keeps its files"
            evidence = (package.url[:160], f"expected: {stem[:150]}.conda")
            yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=evidence)


def shipped_request(build: Build, python: str, glibc: str) -> Request:
    """What the shipped lock of a build is made for: the oldest GPU that it has code for, with any driver."""
    gpu = Gpu.of_capability(min(code.capability for code in build.codes))
    return Request(
        gpus=(RequestedGpu(input=str(gpu.capability), gpu=gpu),),
        subdir=build.subdir,
        python=python,
        driver=None,
        driver_origin=DriverOrigin.ASSUMED,
        glibc=glibc,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaWanted:
    """What a conda lock is held against. A shipped lock may be stricter than the request that it was taken for.

    `shipped` is the pairing that the shipped lock of the build is made for, None when it is made for none. `further`
    are the specs of what was asked for beside pytorch.
    """

    pairing: Pairing
    shipped: Pairing | None
    request: Request
    record: RequestRecord
    further: Collection[str]


def check_conda_specs(lock: CondaLock, asked: CondaWanted, file: str) -> Iterator[Finding]:
    """Specs, channels and virtual packages: those of the pairing, and no more than was asked for beside them."""
    pairing, shipped = asked.pairing, asked.shipped
    wanted = [*(_pinned(spec, lock) for spec in pairing.specs if not _left_out(spec, lock)), *asked.further]
    stricter = [_pinned(spec, lock) for spec in shipped.specs] if shipped is not None else []
    for spec in wanted:
        if spec not in lock.specs:
            title = f"the environment file lacks {spec}, which this build is locked with"
            yield Finding(code=Code.REQUEST_UNMET, file=file, title=title)
    more = [spec for at, spec in enumerate(lock.specs) if spec not in (*wanted, *stricter) or spec in lock.specs[:at]]
    if more:
        title = f"the environment file asks for {', '.join(more)[:160]}, which was not asked for"
        yield Finding(code=Code.NOT_NEEDED, file=file, title=title)
    expected = all_channels(pairing.build.conda.channels, asked.record.channels)
    if not any(_are_channels(lock.channels, names) for names in (expected, pairing.build.conda.channels)):
        title = f"its channels are {', '.join(lock.channels)[:160]}, not {', '.join(expected)[:160]}"
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title)
    yield from _claims(lock, pairing, asked.request, file)


def _are_channels(channels: Sequence[str], names: Sequence[str]) -> bool:
    """True for channels of these names, or a mirror's: its place is judged by its host."""
    return len(channels) == len(names) and all(
        one == name or ("://" in one and one.rstrip("/").endswith(f"/{name.rpartition('://')[2]}"))
        for one, name in zip(channels, names, strict=True)
    )


def _left_out(spec: str, lock: CondaLock) -> bool:
    return name_of(spec) in _COMPANIONS and lock.find(name_of(spec)) is None


def _pinned(spec: str, lock: CondaLock) -> str:
    package = lock.find(name_of(spec))
    return f"{package.name}={package.version}" if package is not None and is_bare(spec) else spec


def _claims(lock: CondaLock, pairing: Pairing, request: Request, file: str) -> Iterator[Finding]:
    """What the lock was solved to expect of the host: no more than the driver and glibc of the request give."""
    expected = virtual_packages(request.subdir, cuda=claimed_cuda(pairing.build), glibc=request.glibc)
    stated = dict(lock.virtual_packages)
    if "__glibc" in expected and "__glibc" in stated and _is_older(stated["__glibc"], request.glibc):
        stated["__glibc"] = expected["__glibc"]
    for name in sorted({*expected, *stated}):
        if stated.get(name) != expected.get(name):
            title = f"it was solved for {name} {stated.get(name, '(none)')}, not {expected.get(name, '(none)')}"
            yield Finding(code=Code.WRONG_PLATFORM, file=file, title=title)


def _is_older(glibc: str, target: str) -> bool:
    return re.fullmatch(r"\d{1,3}\.\d{1,3}", glibc) is not None and glibc_key(glibc) <= glibc_key(target)
