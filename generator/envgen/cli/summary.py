"""What is said after writing, and the command that remakes the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.cli.next_steps import next_steps
from envgen.cli.reader import Reader
from envgen.cli.settings import WriteOptions
from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import runs_as
from envgen.lock.obtain import Obtained
from envgen.resolve import resolve


def summary(obtained: Sequence[Obtained], builds: Catalog, reader: Reader, *, upgraded: bool = False) -> str:
    """What was written, and what to do with it. With `upgraded` the newest builds were already asked for."""
    gpus = dict.fromkeys((r.gpu.name, str(r.gpu.capability)) for r in obtained[0].resolution.request.gpus)
    lines = [", ".join(f"{name}: compute capability {capability}" for name, capability in gpus)]
    for one in obtained:
        lines += _pairing_lines(one, upgraded=upgraded)
        lines += newer_lines(one.resolution, builds) if one.pip and not one.pip_newer else ()
    return "\n".join([*lines, *next_steps(obtained, reader)]) + "\n"


def _pairing_lines(one: Obtained, *, upgraded: bool) -> Iterator[str]:
    where = one.resolution.request.subdir
    if one.pip is not None:
        lock = one.pip.lock
        vision = lock.version_of("torchvision")
        beside = f" + torchvision {vision}" if vision else ""
        yield f"pip, {where}: torch {lock.version_of('torch')}{beside}; {runs_as(one.pip.pairing)}"
    if one.conda is not None:
        yield f"conda, {where}: pytorch {one.conda.pairing.build.short_label}; {runs_as(one.conda.pairing)}"
    newer = [f"{name} {build}" for name, build in (("pip", one.pip_newer), ("conda", one.conda_newer)) if build]
    if newer:
        then = ", but could not be locked now" if upgraded else ": --upgrade looks whether it is there"
        yield f"{' and '.join(newer)} should run too{then}"


def newer_lines(resolution: Resolution, builds: Catalog) -> Iterator[str]:
    """What would run with a newer driver, or why no newer release runs; none when the newest release was taken."""
    if resolution.pip is None:
        return
    chosen = release_key(resolution.pip.build.torch)
    passed = [
        rejection
        for rejection in resolution.rejected
        if rejection.package_set is PackageSet.PIP
        and release_key(rejection.torch) > chosen
        and rejection.code is not RejectionCode.UNCERTAIN
    ]
    drivers = [r.unlock["driver"] for r in passed if r.unlock.keys() == {"driver"}]
    for driver in sorted(set(drivers), key=release_key):
        request = replace(resolution.request, driver=DriverVersion.parse(driver), driver_origin=DriverOrigin.GIVEN)
        other = resolve(builds, request).pip
        if other is not None and release_key(other.build.torch) > chosen:
            yield f"fine as it is; driver {driver} or newer would give {other.build.label}"
            return
    if passed:
        yield f"nothing newer runs: {passed[0].text}"


def remake_command(requests: Sequence[Request], writing: WriteOptions) -> str:
    """The command line that makes the same files again, from the catalog's names; the same for every spelling."""
    from envgen.files.quoting import command_line

    first = requests[0]
    words = ["envgen"]
    for name, capability in dict.fromkeys((r.gpu.name, str(r.gpu.capability)) for r in first.gpus):
        unnamed = name.startswith("compute capability ")
        words += ["--compute-capability", capability] if unnamed else ["--gpu", name]
    for request in requests:
        words += ["--platform", request.subdir.value]
    if first.driver is not None and first.driver_origin is not DriverOrigin.ASSUMED:
        words += ["--driver", str(first.driver)]
    words += ["--python", first.python]
    if any(not request.subdir.is_windows for request in requests):
        words += ["--glibc", first.glibc]
    words += ["--torch", first.torch] if first.torch else []
    words += ["--cuda", first.cuda] if first.cuda else []
    words += ["--no-vision"] if not first.vision else []
    words += ["--audio"] if first.audio else []
    for package in writing.with_packages:
        words += ["--with", package.replace('"', "'")]  # a marker may use either, a command line only one
    return command_line([*words, *_mirror_words(writing)])


def _mirror_words(writing: WriteOptions) -> Iterator[str]:
    """The mirrors, when the files name them: without a login, which is nobody's business in a file."""
    if not writing.write_mirror:
        return
    from envgen.net.sites import without_credentials

    for option, mirror in (("--conda-mirror", writing.conda_mirror), ("--wheel-mirror", writing.wheel_mirror)):
        if mirror:
            yield from (option, without_credentials(mirror.strip()).rstrip("/"))
    yield "--write-mirror"
