"""Is this the Python that torch was meant for, and can there be a torch for it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from envgen.core.findings import Level
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding
from envgen.doctor.shell import shell_of
from envgen.environments.inspected import Target
from envgen.probe.observation import EnvironmentKind


def wrong_environment(case: Case) -> Iterator[Finding]:
    """torch comes from outside the environment, or is installed in another one than the one that runs."""
    target = case.target
    if target is None:
        return
    prefix = target.interpreter.prefix
    imported = case.live.torch_file if case.live else ""
    folder = imported or target.torch_folder
    if folder and _is_outside(folder, target):
        evidence = [f"torch is imported from {folder}", f"the environment is {prefix}"]
        if path := case.observation.variable("PYTHONPATH"):
            evidence.append(f"PYTHONPATH={path}")
        hides_another = any(is_inside(d.folder, prefix) for d in target.named("torch"))
        yield Finding(
            code=Code.WRONG_ENVIRONMENT,
            # A build of one's own, made in its source tree, is meant to be there.
            level=Level.ERROR if hides_another or not case.torch_cuda else Level.WARNING,
            title="Python imports torch from outside its environment",
            evidence=tuple(evidence),
            remedy=_remedy_for_outside(folder, case),
            command=shell_of(case).unset("PYTHONPATH") if _is_on_pythonpath(folder, case) else "",
            before="" if hides_another else "run this, then `envgen doctor` again for the build to install",
        )
    elif "module torch is not PyTorch" in case.start_errors or _is_local_module(imported):
        yield Finding(
            code=Code.WRONG_ENVIRONMENT,
            level=Level.ERROR,
            title="a file of another project is imported as torch",
            evidence=(f"import torch gives {imported or 'a module that is not PyTorch'}",),
            remedy="rename that file or folder, or run Python from another folder",
        )
    elif target.torch is None and not imported and (other := _with_torch(case.neighbours)):
        yield Finding(
            code=Code.WRONG_ENVIRONMENT,
            level=Level.ERROR,
            title="torch is installed in another environment than the one that runs",
            evidence=(
                f"{target.interpreter.executable or prefix} has no torch",
                f"{other.interpreter.prefix} has torch {other.torch.version if other.torch else ''}",
            ),
            remedy="use that environment's Python (in an editor or notebook: select it as interpreter or kernel)",
            before="use that environment's Python (in an editor or notebook: select it as interpreter or kernel)",
            command=shell_of(case).program(other.interpreter.executable),
        )


def no_wheel_for_python(case: Case) -> Iterator[Finding]:
    """No CUDA build exists for this Python or platform, so that the installer takes another or none."""
    target = case.target
    if target is None or case.torch_cuda or case.torch_hip or case.observation.system.os == "macos":
        return
    python = target.interpreter
    subdir = case.subdir
    remedy = f"make a new environment with Python {case.builds.default_python}"
    evidence: tuple[str, ...] = ()
    if python.bits != 64:
        evidence = (f"{python.executable} is a {python.bits}-bit Python; PyTorch has 64-bit builds only",)
        remedy = "install a 64-bit Python and make a new environment with it"
    elif python.musl:
        evidence = ("this Python is built for musl (Alpine); CUDA builds need glibc",)
        remedy = "use a Debian or Ubuntu based image; no CUDA build runs on musl"
    elif python.implementation != "cpython":
        evidence = (f"this Python is {python.implementation}; PyTorch has builds for CPython only",)
    elif subdir is None:
        evidence = (f"no CUDA build exists for {case.observation.system.os} on {case.observation.system.machine}",)
        remedy = f"CUDA builds exist for {', '.join(s.value for s in Subdir)}"
    elif (known := pythons_with_builds(case, subdir)) and python.minor not in known:
        evidence = (f"Python {python.minor}; {subdir} has CUDA builds for Python {', '.join(sorted(known, key=_key))}",)
        remedy = "make a new environment with a Python that has a build for this GPU and driver"
    if evidence:
        yield Finding(
            code=Code.NO_WHEEL_FOR_PYTHON,
            level=Level.ERROR,
            title="there is no CUDA build of PyTorch for this Python",
            evidence=evidence,
            remedy=remedy,
        )


def torch_missing(case: Case) -> Iterator[Finding]:
    """There is no torch at all."""
    target = case.target
    if target is None or target.torch or (case.live and (case.live.has_torch or case.live.torch_file)):
        return
    failed = case.live.import_error if case.live else ""
    if failed and "No module named 'torch'" not in failed:
        return
    yield Finding(
        code=Code.TORCH_MISSING,
        level=Level.ERROR,
        title="torch is not installed in this environment",
        evidence=(f"{target.interpreter.prefix} (Python {target.interpreter.version}) holds no torch",),
        remedy="install a build of torch for this GPU and driver",
    )


def pythons_with_builds(case: Case, subdir: Subdir) -> frozenset[str]:
    """Return all Pythons that any CUDA wheel or package of this platform exists for."""
    pip = (python for build in case.builds.builds(PackageSet.PIP, subdir) for python in build.pythons)
    conda = (python for build in case.builds.builds(PackageSet.CONDA, subdir) for python in build.pythons)
    is_conda = case.target is not None and case.target.kind is EnvironmentKind.CONDA
    return frozenset((*pip, *conda)) if is_conda else frozenset(pip)


def _key(python: str) -> tuple[tuple[int, ...], bool]:
    return release_key(python.rstrip("t")), python.endswith("t")


def _with_torch(neighbours: tuple[Target, ...]) -> Target | None:
    return next((target for target in neighbours if target.torch), None)


def _is_outside(folder: str, target: Target) -> bool:
    """True for a torch that lies neither in the environment nor where its kind of environment looks by design."""
    prefixes = (target.interpreter.prefix, target.interpreter.base_prefix)
    # `pip install --user` beside the system's Python is no accident; below conda's or a venv's it is.
    by_user = target.kind is EnvironmentKind.SYSTEM and _is_user_site(folder)
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


def _is_on_pythonpath(folder: str, case: Case) -> bool:
    entries = (case.observation.variable("PYTHONPATH") or "").replace(";", ":").split(":")
    return any(is_inside(folder, entry) for entry in entries if entry)


def _remedy_for_outside(folder: str, case: Case) -> str:
    if _is_on_pythonpath(folder, case):
        return "unset PYTHONPATH and install torch into the environment"
    if _is_user_site(folder):
        return (
            "set PYTHONNOUSERSITE=1, or uninstall the torch of the user folder, and install torch into the environment"
        )
    return "run Python from another folder, or rename what it finds there, and install torch into the environment"


def _is_local_module(imported: str) -> bool:
    """A single file torch.py, which PyTorch never is."""
    return PurePath(imported.replace("\\", "/")).name == "torch.py"
