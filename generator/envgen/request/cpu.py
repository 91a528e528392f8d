"""The CPU lane: `--cuda cpu` or `--gpu cpu`, without a GPU and without a driver, on Macs too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU
from envgen.core.request import Request
from envgen.core.resolution import Notice
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.requests import Requests
from envgen.request.values import host_platform, is_macos, is_windows_arm, parse_platform, platform_name, value_for
from envgen.resolve.errors import CpuPlatformError

# What people write in place of a GPU's name.
_WORDS = frozenset({"cpu", "none", "cpu only", "cpu-only", "no gpu"})
# The ends of the names of Macs with a processor of Intel's; any other name of a Mac means Apple silicon.
_INTEL = ("-64", "-x64", "-amd64", "-intel")


def asks_for_cpu(options: RequestOptions, cuda: str) -> bool:
    """Return whether the options ask for the CPU lane; `cuda` is `--cuda` as read.

    Raises: UsageError when they ask for CUDA as well.
    """
    named = [text for text in options.gpus if _is_cpu(text)]
    if not named:
        return cuda == CPU
    others = [quoted(text) for text in options.gpus if not _is_cpu(text)]
    others += [f"--cuda {cuda}"] if cuda not in ("", CPU) else []
    if others:
        raise UsageError(
            f"--gpu {quoted(named[0])} asks for a build without CUDA, and {others[0]} for one with it",
            hint="leave one of them out, or make two environments",
        )
    return True


def cpu_requests(
    options: RequestOptions, base: Request, glibcs: Sequence[tuple[Subdir | None, str]], builds: Catalog
) -> Requests:
    """The requests of the CPU lane, one for each platform; what only counts for a GPU is left out with a notice.

    Raises: UsageError and CpuPlatformError for a platform that is unknown or has no locks.
    """
    platforms = dict.fromkeys(_subdir(name) for name in options.platforms or (host_platform(),))
    requests = (
        replace(base, subdir=subdir, cuda=CPU, glibc=value_for(subdir, glibcs) or builds.default_glibc)
        for subdir in platforms
    )
    return Requests(requests=tuple(requests), notices=tuple(_unused(options)))


def _subdir(name: str) -> Subdir:
    if is_windows_arm(name):
        raise CpuPlatformError("win-arm64")
    if not is_macos(name):
        return parse_platform(name)
    if platform_name(name).endswith(_INTEL):
        raise CpuPlatformError("osx-64")
    return Subdir.OSX_ARM64


def _unused(options: RequestOptions) -> Iterator[Notice]:
    gpus = (text for text in options.gpus if not _is_cpu(text))
    given = [*gpus, *options.capabilities, *options.machines, *(f"driver {text}" for text in options.drivers)]
    if given:
        text = f"a CPU build uses no GPU: {', '.join(map(quoted, given))} did not count"
        yield Notice(code="cpu-lane", text=text)


def _is_cpu(text: str) -> bool:
    return text.strip().lower() in _WORDS
