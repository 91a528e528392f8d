"""The commands of pip, uv and conda that put a build into an environment, or torch out of it."""

from __future__ import annotations

import re

from envgen.core.resolution import Pairing, Resolution
from envgen.doctor.checks.driver import is_debian_like
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding, Fix
from envgen.doctor.shell import shell_of
from envgen.environments.inspected import Target
from envgen.probe.observation import EnvironmentKind

PYPI = "https://pypi.org/simple"
_PIXI = re.compile(r"(.+)[/\\]\.pixi[/\\]envs[/\\]([^/\\]+)[/\\]?")
_PACKAGES = "torch torchvision torchaudio"


def uninstall_command(case: Case) -> str:
    """Return the command that takes torch and its companions out of the environment; empty where none is let in."""
    target, shell = case.target, shell_of(case)
    if target is None or _needs_environment(target):
        return ""
    python = target.interpreter.executable or "python"
    if _is_for_uv(target):
        return f"uv pip uninstall --python {shell.word(python)} {_PACKAGES}"
    return shell.steps(_ensure_pip(case), f"{shell.program(python)} -m pip uninstall -y {_PACKAGES}")


def pip_fix(case: Case, pairing: Pairing, first: Finding) -> Fix:
    """Return how a pip pairing gets into the environment, or into a new one where this Python takes no packages."""
    target, shell = case.target, shell_of(case)
    python = target.interpreter.executable if target and target.interpreter.executable else "python"
    if target is None or not _needs_environment(target):
        replaced = first.code is Code.TORCH_REPLACED and first.command
        prepare = first.command if replaced else _ensure_pip(case)
        command = shell.steps(prepare, _install(case, pairing, python))
        return Fix(command=command, reason=first.remedy, by_decision=True)
    inside = ".venv\\Scripts\\python.exe" if shell.is_windows else ".venv/bin/python"
    command = shell.steps(f"{shell.program(python)} -m venv .venv", _install(case, pairing, inside))
    before = "this Python belongs to the system and takes no packages, so make an environment"
    if target.interpreter.prefix == "/usr" and is_debian_like(case):
        before += " (after `sudo apt install python3-venv`)"
    return Fix(before=before, command=command, reason=first.remedy, by_decision=True)


def _install(case: Case, pairing: Pairing, python: str) -> str:
    """The command that puts a pip pairing into an environment, in one step and whatever is there now.

    The exact versions carry the CUDA tag, so only PyTorch's own index can serve them; PyPI beside it has the rest.
    """
    build, index, shell = pairing.build, pairing.index_url, shell_of(case)
    local = "" if index.startswith(PYPI) else f"+{build.cuda_tag}"
    packages = [f"torch=={build.torch}{local}"]
    if pairing.torchvision:
        packages.append(f"torchvision=={pairing.torchvision}{local}")
    if pairing.torchaudio:
        # One that only loads beside this torch is older, and not built for each of its CUDA tags.
        known = case.builds.companions.get(build.torch)
        matched = known is not None and known.torchaudio == pairing.torchaudio
        packages.append(f"torchaudio=={pairing.torchaudio}{local if matched else ''}")
    by_uv = case.target is not None and _is_for_uv(case.target)
    no_index = _is_without_index(case, by_uv=by_uv)
    if by_uv:
        parts = [f"uv pip install --python {shell.word(python)} --reinstall"]
        parts += ["--no-config"] if no_index else []
    else:
        parts = [f"{shell.program(python)} -m pip install --force-reinstall"]
    if local:
        parts += ["--index-url", index, "--extra-index-url", PYPI]
        parts += ["--index-strategy unsafe-best-match"] if by_uv else []
    else:
        parts += ["--index-url", PYPI]
    command = " ".join([*parts, *packages])
    # No option takes pip's no-index back; a variable is stronger than the files, and replaces itself.
    return shell.with_variable("PIP_NO_INDEX", "0", command) if no_index and not by_uv else command


def _is_without_index(case: Case, *, by_uv: bool) -> bool:
    """True when a setting of that installer forbids every index, so that one on its command line is not asked."""
    settings = (*case.observation.settings, *(case.target.settings if case.target else ()))
    # pip reads such a value as distutils' strtobool does; uv has no variable for it (0.13).
    forbidding = (
        s for s in settings if s.key == "no-index" and s.value.lower() in ("1", "true", "yes", "on", "y", "t")
    )
    return any(s.origin.endswith("uv.toml") == by_uv for s in forbidding if not s.origin.startswith("UV_"))


def conda_fix(case: Case, target: Target, pairing: Pairing, first: Finding) -> Fix:
    """Return how a conda pairing gets into the environment."""
    shell = shell_of(case)
    channels = " ".join(f"-c {channel}" for channel in pairing.build.conda.channels)
    specs = " ".join(f'"{spec}"' for spec in pairing.specs)
    prefix = shell.word(target.interpreter.prefix)
    command = f"conda install -p {prefix} --override-channels {channels} --force-reinstall {specs}"
    uninstall = first.command if first.code is Code.TORCH_REPLACED else ""
    return Fix(command=shell.steps(uninstall, command), reason=first.remedy, by_decision=True)


def pixi_fix(case: Case, target: Target, resolution: Resolution) -> Fix | None:
    """Return how pixi's manifest asks for the decided build, or None for an environment that is not pixi's.

    pixi makes the folder anew from its manifest: what another installer puts there is gone with its next run.
    """
    found = _PIXI.fullmatch(target.interpreter.prefix)
    if found is None:
        return None
    project, name = found.groups()
    if resolution.conda is None:
        reason = f"ask for the build in the manifest of {project}: pixi manages this environment"
        return Fix(command="", reason=f"{reason}, and conda has no build that runs here", by_decision=True)
    pairing = resolution.conda
    specs = [spec for spec in pairing.specs if not spec.startswith("python=")]
    major = pairing.build.cuda.partition(".")[0]
    # pixi.sh, system requirements: a solve sees no GPU unless the manifest states its CUDA.
    before = f'pixi manages this environment: state cuda = "{major}" under system-requirements in its manifest'
    others = [channel for channel in pairing.build.conda.channels if channel != "conda-forge"]
    by_pypi = target.named("torch") and not target.conda_record("pytorch")
    before += f", the channels {' '.join(others)}" if others else ""
    before += ", and take torch out of its pypi-dependencies" if by_pypi else ""
    if name != "default":
        listed = " ".join(specs)
        reason = f"{before}, and ask for {listed} in a feature of the environment {name} ({project})"
        return Fix(command="", reason=reason, by_decision=True)
    quoted = " ".join(f'"{spec}"' for spec in specs)
    command = f"pixi add --manifest-path {shell_of(case).word(project)} {quoted}"
    return Fix(before=f"{before}, then run", command=command, reason=before, by_decision=True)


def _needs_environment(target: Target) -> bool:
    """True for a system's Python that is marked as such (PEP 668), or from which the system took pip."""
    return target.kind is EnvironmentKind.SYSTEM and (target.is_managed or not target.has_pip)


def _is_for_uv(target: Target) -> bool:
    return not target.has_pip and target.kind is EnvironmentKind.UV


def _ensure_pip(case: Case) -> str:
    """The command that brings pip into an environment that has none; empty where it has, or where uv does the work."""
    target, shell = case.target, shell_of(case)
    if target is None or target.has_pip or _is_for_uv(target):
        return ""
    return f"{shell.program(target.interpreter.executable or 'python')} -m ensurepip"
