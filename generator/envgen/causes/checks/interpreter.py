"""Is this the Python that torch was meant for, and can there be a torch for it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from envgen.causes.context import Context
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import INSTALL_BUILD, first
from envgen.core.findings import Level
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import RunOutcome
from envgen.probe.observation import EnvironmentKind


def python_unusable(context: Context) -> Iterator[Finding]:
    """The interpreter that was meant does not run: what is in its environment is of no use to anybody."""
    run = context.run
    not_run = run.reason if run and run.outcome is RunOutcome.NOT_RUN else ""
    if reason := context.unexamined or not_run:
        yield Finding(
            title="this Python could not be examined",
            evidence=(reason,),
            remedy=Remedy(text="make this environment anew, or name the Python that runs torch with --python"),
        )


def wrong_environment(context: Context) -> Iterator[Finding]:
    """torch comes from outside the environment, or is installed in another one than the one that runs."""
    environment = context.environment
    if environment is None:
        return
    imported = context.run.torch_file if context.run else ""
    folder = imported or environment.torch_folder
    if folder and _is_outside(folder, environment):
        yield _from_outside(context, environment, folder)
    elif "module torch is not PyTorch" in context.start_errors or _is_local_module(imported):
        yield Finding(
            title="a file of another project is imported as torch",
            evidence=(f"import torch gives {imported or 'a module that is not PyTorch'}",),
            remedy=Remedy(text="rename that file or folder, or run Python from another folder"),
        )
    elif (
        environment.torch is None and not imported and (other := next((e for e in context.neighbours if e.torch), None))
    ):
        text = "use that environment's Python (in an editor or notebook: select it as interpreter or kernel)"
        yield Finding(
            title="torch is installed in another environment than the one that runs",
            evidence=(
                f"{environment.interpreter.executable or environment.interpreter.prefix} has no torch",
                f"{other.interpreter.prefix} has torch {other.torch.version if other.torch else ''}",
            ),
            remedy=first(text, context.installer.shell.program(other.interpreter.executable)),
        )


def _from_outside(context: Context, environment: InspectedEnvironment, folder: str) -> Finding:
    prefix = environment.interpreter.prefix
    evidence = [f"torch is imported from {folder}", f"the environment is {prefix}"]
    if path := context.observation.variable("PYTHONPATH"):
        evidence.append(f"PYTHONPATH={path}")
    hidden = [d for d in environment.named("torch") if is_inside(d.folder, prefix)]
    evidence += [f"torch {d.version}, which is installed in the environment, is hidden by it" for d in hidden]
    return Finding(
        # A build of one's own, made in its source tree, is meant to be there.
        level=Level.ERROR if hidden or not context.torch_cuda else Level.WARNING,
        title="Python imports torch from outside its environment",
        evidence=tuple(evidence),
        remedy=_remedy_for_outside(folder, context, hides_another=bool(hidden)),
    )


def no_wheel_for_python(context: Context) -> Iterator[Finding]:
    """No CUDA build exists for this Python or platform, so that the installer takes another or none."""
    environment = context.environment
    if environment is None or context.torch_cuda or context.torch_hip or context.observation.system.os == "macos":
        return
    python, subdir = environment.interpreter, context.subdir
    remedy = f"make a new environment with Python {context.builds.default_python}"
    if python.bits != 64:
        evidence = f"{python.executable} is a {python.bits}-bit Python; PyTorch has 64-bit builds only"
        remedy = "install a 64-bit Python and make a new environment with it"
    elif python.musl:
        evidence = "this Python is built for musl (Alpine); CUDA builds need glibc"
        remedy = "use a Debian or Ubuntu based image; no CUDA build runs on musl"
    elif python.implementation != "cpython":
        evidence = f"this Python is {python.implementation}; PyTorch has builds for CPython only"
    elif subdir is None and (system := context.observation.system).os:
        evidence = f"no CUDA build exists for {system.os} on {system.machine}"
        remedy = f"CUDA builds exist for {', '.join(s.value for s in CUDA_SUBDIRS)}"
    elif subdir and (known := pythons_with_builds(context, subdir)) and python.version and python.minor not in known:
        listed = sorted(known, key=lambda minor: (release_key(minor.rstrip("t")), minor))
        evidence = f"Python {python.minor}; {subdir} has CUDA builds for Python {', '.join(listed)}"
        remedy = "make a new environment with a Python that has a build for this GPU and driver"
    else:
        return
    yield Finding(
        title="there is no CUDA build of PyTorch for this Python",
        evidence=(evidence,),
        remedy=Remedy(text=remedy),
    )


def torch_missing(context: Context) -> Iterator[Finding]:
    """There is no torch at all."""
    environment = context.environment
    if environment is None or environment.torch or (context.run and (context.run.has_torch or context.run.torch_file)):
        return
    failed = context.run.import_error if context.run else ""
    if failed and "No module named 'torch'" not in failed:
        return
    yield Finding(
        title="torch is not installed in this environment",
        evidence=(
            failed or f"{environment.interpreter.prefix} (Python {environment.interpreter.version}) holds no torch",
        ),
        remedy=INSTALL_BUILD,
    )


def torch_import_hangs(context: Context) -> Iterator[Finding]:
    """An import that takes longer than the time limit: nothing says that the installation is damaged."""
    run = context.run
    if run is None or run.outcome is not RunOutcome.TIMED_OUT or run.stage == "done":
        return
    slow = "torch" if run.is_importing else "torchvision" if run.stage.startswith("vision-") else ""
    python = context.environment.interpreter.executable if context.environment else ""
    # The first start of CUDA compiles where a build brings only PTX; on many GPUs it maps all their memory.
    code = f"import {slow}" if slow else "import torch; torch.ones(1).cuda()"
    slowly = "wait until this ends (from a slow disk or a network folder it can take minutes)"
    yield Finding(
        level=Level.WARNING if context.works else Level.ERROR,
        title=f"importing {slow} does not end" if slow else "CUDA's start does not end",
        evidence=(f"importing {slow}: {run.reason}" if slow else f"{run.reason}; the last step was {run.stage!r}",),
        remedy=Remedy(
            text="do it by itself and wait: the first import from a slow disk or a network folder, or under a virus "
            "scanner, and the first start of CUDA can take minutes; then run `envgen doctor` again",
            where=f"{slowly}, then run `envgen doctor` again",
            command=f'{context.installer.shell.program(python or "python")} -c "{code}"',
        ),
    )


def pythons_with_builds(context: Context, subdir: Subdir) -> frozenset[str]:
    """Return all Pythons that any CUDA wheel or package of this platform exists for."""
    pip = (python for build in context.builds.builds(PackageSet.PIP, subdir) for python in build.pythons)
    conda = (python for build in context.builds.builds(PackageSet.CONDA, subdir) for python in build.pythons)
    is_conda = context.environment is not None and context.environment.kind is EnvironmentKind.CONDA
    return frozenset((*pip, *conda)) if is_conda else frozenset(pip)


def _is_outside(folder: str, environment: InspectedEnvironment) -> bool:
    """True for a torch that lies neither in the environment nor where its kind of environment looks by design."""
    prefixes = (environment.interpreter.prefix, environment.interpreter.base_prefix)
    # `pip install --user` beside the system's Python is no accident; below conda's or a venv's it is.
    by_user = environment.kind is EnvironmentKind.SYSTEM and _is_user_site(folder)
    return not by_user and not any(is_inside(folder, prefix) for prefix in prefixes)


def _is_user_site(folder: str) -> bool:
    plain = folder.replace("\\", "/")
    return "/.local/lib/python" in plain or "/AppData/Roaming/Python" in plain or "/Library/Python/" in plain


def is_inside(path: str, folder: str) -> bool:
    """True when a path lies below a folder, whichever system's separators they have."""
    inner, outer = path.replace("\\", "/").rstrip("/"), folder.replace("\\", "/").rstrip("/")
    if outer[1:2] == ":":  # a drive: Windows does not tell capitals apart
        inner, outer = inner.lower(), outer.lower()
    return bool(outer) and (inner == outer or inner.startswith(outer + "/"))


def _is_on_pythonpath(folder: str, context: Context) -> bool:
    entries = (context.observation.variable("PYTHONPATH") or "").replace(";", ":").split(":")
    return any(is_inside(folder, entry) for entry in entries if entry)


def _remedy_for_outside(folder: str, context: Context, *, hides_another: bool) -> Remedy:
    shell = context.installer.shell
    then = "" if hides_another else "run this, then `envgen doctor` again for the build to install"
    if _is_on_pythonpath(folder, context):
        text = "unset PYTHONPATH and install torch into the environment"
        return Remedy(text=text, where=then, command=shell.unset("PYTHONPATH"))
    if _is_user_site(folder):
        text = "set PYTHONNOUSERSITE=1, or uninstall the torch of the user folder"
        text += "" if hides_another else ", and install torch into the environment"
        return Remedy(text=text, where=then, command=shell.set("PYTHONNOUSERSITE", "1"))
    return Remedy(
        text="run Python from another folder, or rename what it finds there, and install torch into the environment"
    )


def _is_local_module(imported: str) -> bool:
    """A single file torch.py, which PyTorch never is."""
    return PurePath(imported.replace("\\", "/")).name == "torch.py"
