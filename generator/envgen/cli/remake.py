"""The command that makes the same request again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.cli.settings import WriteOptions
from envgen.core.request import DriverOrigin, Request


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
    words += _driver_words(requests)
    words += ["--python", first.python]
    if any(not request.subdir.is_windows for request in requests):
        words += ["--glibc", first.glibc]
    words += ["--torch", first.torch] if first.torch else []
    words += ["--cuda", first.cuda] if first.cuda else []
    words += ["--no-vision"] if not first.vision else []
    words += ["--audio"] if first.audio else []
    words += ["--only", writing.only] if writing.only else []
    for package in writing.with_packages:
        words += ["--with", package.replace('"', "'")]  # a marker may use either, a command line only one
    return command_line([*words, *_mirror_words(writing)])


def _driver_words(requests: Sequence[Request]) -> Iterator[str]:
    """The drivers that were stated: once when all platforms have the same, else each with its platform."""
    stated = [r for r in requests if r.driver is not None and r.driver_origin is not DriverOrigin.ASSUMED]
    drivers = {str(request.driver) for request in stated}
    for request in stated:
        if len(drivers) == 1 and len(stated) == len(requests):
            yield from ("--driver", *drivers)
            return
        yield from ("--driver", f"{request.subdir}={request.driver}")


def _mirror_words(writing: WriteOptions) -> Iterator[str]:
    """The mirrors, when the files name them: without a login, which is nobody's business in a file."""
    if not writing.write_mirror:
        return
    from envgen.net.sites import without_credentials

    for option, mirror in (("--conda-mirror", writing.conda_mirror), ("--wheel-mirror", writing.wheel_mirror)):
        if mirror:
            yield from (option, without_credentials(mirror.strip()).rstrip("/"))
    yield "--write-mirror"
