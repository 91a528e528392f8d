"""What the headers of a folder claim: for which GPUs and which driver its locks are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from envgen.core.builds import Build
from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.errors import ValueFormatError
from envgen.core.gpus import Gpu
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.header import Header
from envgen.resolve.coverage import code_for
from envgen.resolve.driver import DriverRules
from envgen.resolve.rules.libraries import dropped_by
from envgen.verify.findings import Code, Finding

_CAPABILITY = re.compile(r"compute capability (\d+\.\d+)")
_DRIVER = re.compile(r"--driver[ =]\"?([Rrv]?\d{3}[\d.]*)")
_EVERY_GPU = re.compile(r"for every GPU that runs one of: (?P<codes>[a-z0-9_ ]+)")
_FLOOR = re.compile(r"\bdriver (\d{3}[\d.]*) or newer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the files of one kind say in their headers: GPUs by name or codes, the driver asked for and the floor told.

    `codes` are the entries of an arch list for whose every GPU a shipped lock is.
    """

    gpus: tuple[Gpu, ...]
    codes: tuple[ArchCode, ...]
    driver: DriverVersion | None
    floor: DriverVersion | None


def read_claims(headers: Iterable[Header]) -> Claims:
    """Return what the headers say together; what they do not say is empty or None."""
    gpus: dict[str, Gpu] = {}
    codes: set[ArchCode] = set()
    driver = floor = None
    for header in headers:
        for capability in title_capabilities(header.title):
            label = f"the GPU of the header (compute capability {capability})"
            gpus[str(capability)] = Gpu(name=label, capability=capability, architecture="")
        for line in header.lines:
            if every := _EVERY_GPU.match(line):
                codes |= set(_codes(every["codes"]))
            if told := _FLOOR.search(line):
                floor = _version(told[1]) or floor
        if asked := _DRIVER.search(header.command):
            driver = _version(asked[1]) or driver
    return Claims(gpus=tuple(gpus.values()), codes=tuple(sorted(codes)), driver=driver, floor=floor)


def title_capabilities(title: str) -> Iterator[ComputeCapability]:
    """The compute capabilities that the first line of a header names."""
    for text in _CAPABILITY.findall(title):
        try:
            yield ComputeCapability.parse(text)
        except ValueFormatError:
            continue


def _version(text: str) -> DriverVersion | None:
    try:
        return DriverVersion.parse(text.rstrip("."))
    except ValueFormatError:
        return None


def _codes(text: str) -> Iterator[ArchCode]:
    for word in text.split():
        try:
            yield ArchCode.parse(word)
        except ValueFormatError:
            continue


def check_build(build: Build, claims: Claims, file: str, builds: Catalog) -> Iterator[Finding]:
    """Hold the catalog's facts of a build against what the headers claim."""
    is_pip = build.package_set is PackageSet.PIP
    label = build.label if is_pip else f"pytorch {build.torch} with CUDA {build.cuda}"
    arch_list = f"its arch list: {' '.join(str(code) for code in sorted(build.codes))} ({build.source})"
    for gpu in claims.gpus if build.codes else ():
        if code_for(build.codes, gpu) is None:
            title = f"{label} has no code for compute capability {gpu.capability}"
            yield Finding(code=Code.GPU_NOT_COVERED, file=file, title=title, evidence=(arch_list,))
    absent = [code for code in claims.codes if code not in build.codes] if build.codes else []
    if absent:
        title = f"{label} has no {' '.join(str(code) for code in absent)}"
        yield Finding(code=Code.GPU_NOT_COVERED, file=file, title=title, evidence=(arch_list,))
    yield from _check_driver(build, claims, file, builds, label)


def _check_driver(build: Build, claims: Claims, file: str, builds: Catalog, label: str) -> Iterator[Finding]:
    some = claims.driver or claims.floor
    if some is None:
        return
    floor = DriverRules(driver=some, subdir=build.subdir, builds=builds).floor(build.cuda)
    if floor is None:
        return
    for what, driver in (("was asked for", claims.driver), ("is said to do", claims.floor)):
        if driver is not None and not driver.meets_floor(floor):
            title = f"{label} needs driver {floor} or newer, {driver} {what}"
            yield Finding(code=Code.DRIVER_TOO_OLD, file=file, title=title)


def check_cudnn(claims: Claims, name: str, version: str, file: str) -> Iterator[Finding]:
    """A cuDNN that dropped a GPU of the header."""
    asked = [gpu.capability for gpu in claims.gpus] + [code.capability for code in claims.codes]
    release = ".".join(part for part in version.split(".")[:2] if part.isascii() and part.isdigit())
    floor = dropped_by(release, min(asked)) if asked else None
    if floor is not None:
        title = f"{name} {version} has no kernels for compute capability {min(asked)}"
        fact = f"cuDNN {floor.since} and newer serve {floor.capability} and up (NVIDIA cuDNN support matrix)"
        yield Finding(code=Code.CUDNN_UNSUPPORTED, file=file, title=title, evidence=(fact,))


def expected_pairings(smoke_test: str) -> list[Mapping[str, Any]]:
    """The pairings that a smoke test expects; empty when it can't be read."""
    try:
        tree = ast.parse(smoke_test)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: too many brackets, as CPython tells
        return []
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["EXPECTED"]:
            try:
                pairings = ast.literal_eval(node.value)["pairings"]
                return [pairing for pairing in pairings if isinstance(pairing, dict)]
            except (ValueError, KeyError, TypeError, RecursionError, MemoryError):
                return []
    return []
