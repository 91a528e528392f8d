"""Does the Windows Subsystem for Linux get the GPU from Windows, and a container on it as well?"""

from __future__ import annotations

from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.environments.shell import Shell
from envgen.environments.system import is_debian_like
from envgen.probe.linux import WSL_LIBRARIES

# The first Windows driver whose libcuda needs a library that older container toolkits don't mount
# (NVIDIA/nvidia-container-toolkit#520).
_NEEDS_NEW_TOOLKIT = 555
_FAILED_TO_COMMUNICATE = 9


def wsl_driver(context: Context) -> Iterator[Finding]:
    """WSL takes its driver from Windows; everything else breaks it."""
    parts = context.observation.parts
    found = _older_than_wsl_2(context) or _missing_part(context) or _shadowed(context)
    if found is None and parts.error_code == _FAILED_TO_COMMUNICATE:
        found = parts.error, _UPDATE
    message = context.error_line("Found no NVIDIA driver")
    if found is None and message and context.driver_answers:
        # microsoft/WSL#11589: nvidia-smi answers, with CUDA Version ERR!, and CUDA finds nothing; not settled there.
        found = f"nvidia-smi answers (CUDA {parts.cuda or 'unknown'}), and torch: {message}", _UPDATE
    if found:
        evidence, remedy = found
        yield Finding(
            title="WSL does not get the GPU from Windows",
            evidence=tuple(dict.fromkeys(line for line in (evidence, parts.error) if line)),
            remedy=remedy,
        )


def container_toolkit_too_old(context: Context) -> Iterator[Finding]:
    """In a container on WSL, libcuda lacks a part that the toolkit of its time did not mount."""
    line, driver = context.cuda_error(500), context.observation.driver
    if not line or not context.shows(Trait.WSL) or (driver is not None and driver.branch < _NEEDS_NEW_TOOLKIT):
        return
    evidence = [line, f"Windows driver {driver}" if driver else ""]
    yield Finding(
        title="the container's NVIDIA libraries don't fit the Windows driver: the container toolkit is too old",
        evidence=tuple(text for text in evidence if text),
        remedy=Remedy(
            text="update Docker Desktop to 4.31 or newer, or nvidia-container-toolkit to 1.14.4 or newer, and start "
            "the container anew"
        ),
    )


_UPDATE = Remedy(
    text="update Windows and WSL, then start WSL anew",
    where="update Windows and its NVIDIA driver, then run in PowerShell there",
    command="wsl --update; wsl --shutdown",
)


def _older_than_wsl_2(context: Context) -> tuple[str, Remedy] | None:
    system = context.observation.system
    if system.wsl != 1:
        return None
    name = context.observation.variable("WSL_DISTRO_NAME")
    return f"kernel {system.kernel} is WSL 1, which has no GPU", Remedy(
        text="convert the distribution to WSL 2: `wsl --set-version NAME 2`, in PowerShell on Windows",
        where="run in PowerShell on Windows",
        command=f"wsl --set-version {Shell(is_windows=True).word(name)} 2" if name else "",
    )


def _missing_part(context: Context) -> tuple[str, Remedy] | None:
    """What Windows must bring and is not there."""
    system, parts = context.observation.system, context.observation.parts
    if context.shows(Trait.DEVICE_FILES) and not any(node.path == "/dev/dxg" for node in parts.nodes):
        where = "update Windows, then run in PowerShell there"
        return f"/dev/dxg is not there (kernel {system.kernel})", Remedy(
            text=_UPDATE.text, where=where, command=_UPDATE.command
        )
    by_windows = any(library.path.startswith(WSL_LIBRARIES) for library in parts.libraries)
    if context.shows(Trait.LIBRARIES) and not by_windows:
        what = "install the current NVIDIA driver in Windows, never one inside WSL"
        return f"{WSL_LIBRARIES}/libcuda.so.1 is not there: Windows has no NVIDIA driver that serves WSL", Remedy(
            text=f"{what}, then `wsl --shutdown`",
            where=f"{what}, then run in PowerShell there",
            command="wsl --shutdown",
        )
    return None


def _shadowed(context: Context) -> tuple[str, Remedy] | None:
    """A Linux driver that the loader takes before Windows' own."""
    library = next(iter(context.observation.parts.libraries), None)
    if library is None or not library.version or library.path.startswith(WSL_LIBRARIES):
        return None
    removal = "sudo apt-get remove --purge '^nvidia-.*' '^libnvidia-.*' && sudo ldconfig"
    return f"the loader takes {library.target} before {WSL_LIBRARIES}/libcuda.so.1", Remedy(
        text="remove the Linux driver packages from this distribution; the driver is the one in Windows",
        command=removal if is_debian_like(context.observation.system) else "",
    )
