"""The word to the user after writing, at most ten lines for a platform, and the command that remakes the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.cli.settings import WriteOptions
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import RejectionCode
from envgen.core.sets import PackageSet
from envgen.files.commands import NO_TOOLKIT, conda_command, pip_commands, runs_as
from envgen.files.formats.smoke import test_command
from envgen.files.registry import EXPLICIT, REQUIREMENTS
from envgen.lock.obtain import Obtained


def summary(obtained: Sequence[Obtained]) -> str:
    """What was written and what to do with it: every command whole, however many platforms there are."""
    lines: list[str] = []
    gpus = dict.fromkeys((r.gpu.name, str(r.gpu.capability)) for r in obtained[0].resolution.request.gpus)
    lines.append(", ".join(f"{name}: compute capability {capability}" for name, capability in gpus))
    for one in obtained:
        lines += _pairing_lines(one)
    for one in obtained:
        lines += _command_lines(one, multi=len(obtained) > 1)
    lines.append(NO_TOOLKIT)
    return "\n".join(lines) + "\n"


def _pairing_lines(one: Obtained) -> Iterator[str]:
    where = one.resolution.request.subdir
    if one.pip is not None:
        lock = one.pip.lock
        vision = lock.version_of("torchvision")
        beside = f" + torchvision {vision}" if vision else ""
        newer = f" ({one.pip_newer} is newer: --upgrade)" if one.pip_newer else ""
        yield f"pip, {where}: torch {lock.version_of('torch')}{beside}{newer}; {runs_as(one.pip.pairing)}"
    if one.conda is not None:
        build = one.conda.pairing.build
        newer = f" ({one.conda_newer} is newer: --upgrade)" if one.conda_newer else ""
        yield f"conda, {where}: pytorch {build.short_label}{newer}; {runs_as(one.conda.pairing)}"
    decided = one.resolution.pip
    if one.pip is None or decided is None or one.pip_newer:
        return
    chosen = release_key(decided.build.torch)
    pip = [r for r in one.resolution.rejected if r.package_set is PackageSet.PIP and release_key(r.torch) > chosen]
    if passed := [rejection for rejection in pip if rejection.code is not RejectionCode.UNCERTAIN]:
        yield f"nothing newer, because {passed[0].text}"


def _command_lines(one: Obtained, *, multi: bool) -> Iterator[str]:
    request = one.resolution.request
    where = f"{request.subdir} " if multi else ""
    if one.pip is not None:
        requirements = REQUIREMENTS.name(request.subdir, many=multi)
        make, install = pip_commands(request.subdir, request.python, requirements)
        yield f"{where}with pip:   {make}"
        yield f"{' ' * len(where)}            {install}"
    if one.conda is not None:
        yield f"{where}with conda: {conda_command(EXPLICIT.name(request.subdir, many=multi))}"
    if one.pip is not None or one.conda is not None:
        yield f"{where}test it:    {test_command(request.subdir, has_pip=one.pip is not None)}"


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
