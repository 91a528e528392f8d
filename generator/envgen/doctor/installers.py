"""The commands of pip, uv and conda that put a build into an environment, or torch out of it."""

from __future__ import annotations

from envgen.core.observation import EnvironmentKind
from envgen.core.resolution import CondaPairing, PipPairing
from envgen.doctor.shell import Shell
from envgen.doctor.target import Target

PYPI = "https://pypi.org/simple"
_PACKAGES = "torch torchvision torchaudio"


def uninstall_command(target: Target, shell: Shell) -> str:
    """Return the command that takes torch and its companions out of an environment."""
    return f"{_pip(target, shell)} uninstall -y {_PACKAGES}"


def pip_command(target: Target | None, pairing: PipPairing, shell: Shell) -> str:
    """Return the command that puts a pip pairing into the environment, in one step and whatever is there now.

    The exact versions carry the CUDA tag, so only PyTorch's own index can serve them; PyPI beside it has the rest.
    """
    build, index = pairing.build, pairing.index_url
    local = "" if index.startswith(PYPI) else f"+{build.cuda_tag}"
    packages = [f"torch=={build.torch}{local}"]
    if pairing.torchvision:
        packages.append(f"torchvision=={pairing.torchvision}{local}")
    by_uv = target is not None and _is_for_uv(target)
    if by_uv and target is not None:
        python = shell.word(target.interpreter.executable)
        parts = [f"uv pip install --python {python} --reinstall"]
    else:
        parts = [f"{_pip(target, shell)} install --force-reinstall"]
    if local:
        parts += ["--index-url", index, "--extra-index-url", PYPI]
        parts += ["--index-strategy unsafe-best-match"] if by_uv else []
    else:
        parts += ["--index-url", PYPI]
    return " ".join([*parts, *packages])


def conda_command(target: Target, pairing: CondaPairing, shell: Shell) -> str:
    """Return the command that puts a conda pairing into the environment."""
    channels = " ".join(f"-c {channel}" for channel in pairing.build.channels)
    specs = " ".join(f'"{spec}"' for spec in pairing.specs)
    prefix = shell.word(target.interpreter.prefix)
    return f"conda install -p {prefix} --override-channels {channels} --force-reinstall {specs}"


def _pip(target: Target | None, shell: Shell) -> str:
    executable = target.interpreter.executable if target else ""
    return f"{shell.program(executable or 'python')} -m pip"


def _is_for_uv(target: Target) -> bool:
    return not target.has_pip and target.kind is EnvironmentKind.UV
