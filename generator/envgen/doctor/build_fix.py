"""How a decided build gets into the environment under diagnosis."""

from __future__ import annotations

import re

from envgen.causes.context import Context
from envgen.causes.findings import Finding, Remedy
from envgen.core.platforms import Subdir
from envgen.core.resolution import Pairing, Resolution
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.installers import Installer
from envgen.environments.system import is_debian_like
from envgen.files.commands import VENV, venv_python

_PIXI = re.compile(r"(.+)[/\\]\.pixi[/\\]envs[/\\]([^/\\]+)[/\\]?")


def conda_owns_torch(environment: InspectedEnvironment) -> bool:
    """True unless pip brought torch and conda knows of none: then it is pip's business."""
    return environment.conda_record("pytorch") is not None or not environment.named("torch")


def pip_fix(context: Context, pairing: Pairing, first: Finding) -> Remedy:
    """Return how a pip pairing gets into the environment, or into a new one where this Python takes no packages."""
    installer, shell = context.installer, context.installer.shell
    companions, text = context.builds.companions.get(pairing.build.torch), first.remedy.text
    if not installer.needs_environment:
        install, taken_out = installer.install_by_pip(pairing, companions), installer.remove_from_conda()
        command = shell.steps(_uninstall(first) or installer.ensure_pip(), taken_out, install)
        where = "conda has no build that runs here: take its pytorch out, or make a new environment"
        return Remedy(text=text, where=where if taken_out else "", command=command, by_decision=True)
    subdir = context.subdir or Subdir.LINUX_64
    install = installer.install_by_pip(pairing, companions, venv_python(subdir, VENV))
    command = shell.steps(f"{shell.program(installer.python)} -m venv {VENV}", install)
    where = "this Python belongs to the system and takes no packages, so make an environment"
    if _is_of_the_system(installer) and is_debian_like(context.observation.system):
        where += " (after `sudo apt install python3-venv`)"
    return Remedy(text=text, where=where, command=command, by_decision=True)


def conda_fix(context: Context, pairing: Pairing, first: Finding) -> Remedy:
    """Return how a conda pairing gets into the environment."""
    installer = context.installer
    command = installer.shell.steps(_uninstall(first), installer.install_by_conda(pairing))
    return Remedy(text=first.remedy.text, command=command, by_decision=True)


def pixi_fix(context: Context, environment: InspectedEnvironment, resolution: Resolution) -> Remedy | None:
    """Return how pixi's manifest asks for the decided build, or None for an environment that is not pixi's.

    pixi makes the folder anew from its manifest: what another installer puts there is gone with its next run.
    """
    found = _PIXI.fullmatch(environment.interpreter.prefix)
    if found is None:
        return None
    project, name = found.groups()
    pairing = resolution.conda
    if pairing is None:
        reason = f"ask for the build in the manifest of {project}: pixi manages this environment"
        return Remedy(text=f"{reason}, and conda has no build that runs here", by_decision=True)
    specs = [spec for spec in pairing.specs if not spec.startswith("python=")]
    major = pairing.build.cuda.partition(".")[0]
    # pixi.sh, system requirements: a solve sees no GPU unless the manifest states its CUDA.
    before = f'pixi manages this environment: state cuda = "{major}" under system-requirements in its manifest'
    others = [channel for channel in pairing.build.conda.channels if channel != "conda-forge"]
    by_pypi = environment.named("torch") and not environment.conda_record("pytorch")
    before += f", the channels {' '.join(others)}" if others else ""
    before += ", and take torch out of its pypi-dependencies" if by_pypi else ""
    if name != "default":
        listed = " ".join(specs)
        reason = f"{before}, and ask for {listed} in a feature of the environment {name} ({project})"
        return Remedy(text=reason, by_decision=True)
    quoted = " ".join(f'"{spec}"' for spec in specs)
    command = f"pixi add --manifest-path {context.installer.shell.word(project)} {quoted}"
    return Remedy(text=before, where=f"{before}, then run", command=command, by_decision=True)


def _uninstall(first: Finding) -> str:
    return first.remedy.command if first.code == "torch-replaced" else ""


def _is_of_the_system(installer: Installer) -> bool:
    return installer.environment is not None and installer.environment.interpreter.prefix == "/usr"
