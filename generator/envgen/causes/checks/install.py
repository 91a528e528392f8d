"""Is the torch that is installed the build that was meant, whole and from one source?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.causes.checks.interpreter import is_inside
from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import INSTALL_BUILD
from envgen.core.releases import release_key
from envgen.core.sites import PYPI
from envgen.environments.inspected import Distribution, base_version
from envgen.probe.observation import InstallSetting

# L4T 38 (JetPack 7) is the first that runs the wheels for ARM servers (SBSA).
_FIRST_SBSA_L4T = 38


def torch_replaced(context: Context) -> Iterator[Finding]:
    """Two installers wrote torch into one folder, or one left half of an older one."""
    environment = context.environment
    if environment is None or environment.torch is None:
        return
    torch = environment.torch
    evidence: list[str] = []
    here = [d for d in environment.named("torch") if d.folder == environment.torch_folder]
    if len(here) > 1:
        evidence.append("torch is recorded twice: " + ", ".join(d.info for d in here))
    # A torch of the user's folder stands beside conda's, not over it.
    inside = is_inside(environment.torch_folder, environment.interpreter.prefix)
    record = environment.conda_record("pytorch") if inside else None
    if record and here and here[0].installer == "pip" and here[0].info not in record.dist_infos:
        evidence.append(f"conda recorded pytorch {record.version} ({record.build}), pip wrote torch {here[0].version}")
    elif record and base_version(record.version) != base_version(torch.version):
        evidence.append(f"conda recorded pytorch {record.version}, the files are torch {torch.version}")
    elif len(here) == 1 and base_version(here[0].version) != base_version(torch.version):
        evidence.append(f"{here[0].info} beside the files of torch {torch.version}")
    if evidence:
        yield Finding(
            title="torch was installed over another torch",
            evidence=tuple(evidence),
            remedy=Remedy(
                text="uninstall torch until it is gone, then install it once, with one installer; hold it with an "
                "exact version (torch==X+cuY) so that no dependency replaces it",
                command=context.installer.uninstall_torch(),
            ),
        )


def jetson_generic_wheel(context: Context) -> Iterator[Finding]:
    """Tegra needs builds of its own up to JetPack 6."""
    jetson, environment = context.observation.system.jetson, context.environment
    if jetson is None:
        return
    l4t = f"L4T {jetson.l4t or 'unknown'}"
    before_sbsa = bool(jetson.l4t) and release_key(jetson.l4t)[0] < _FIRST_SBSA_L4T
    distributions = environment.distributions if environment else ()
    generic = any(d.name.startswith(("nvidia-", "cuda-toolkit")) for d in distributions)
    if context.is_cpu_build:
        evidence = f"torch {context.torch_version} is built without CUDA"
    elif generic and before_sbsa:
        wheels = f"L4T {_FIRST_SBSA_L4T}"
        evidence = f"torch {context.torch_version} with NVIDIA's wheels for ARM servers, which need {wheels}"
    else:
        return
    remedy = "take a CUDA build for linux-aarch64: JetPack 7 runs those for ARM servers"
    if before_sbsa:
        remedy = f"take the wheel made for this JetPack ({l4t}), NVIDIA's l4t container, or conda-forge's build"
    yield Finding(
        title="this torch is not built for this Jetson",
        evidence=(", ".join(filter(None, (jetson.model, l4t, jetson.soc))), evidence),
        remedy=Remedy(text=remedy),
    )


def conda_cpu_build(context: Context) -> Iterator[Finding]:
    """The solver chose a build without CUDA, as it does where it sees no `__cuda`."""
    record = context.environment.conda_record("pytorch") if context.environment else None
    if record is None or ("cpu" not in record.build.split("_")[0] and "_cpu_" not in record.build):
        return
    if not context.is_cpu_build:
        return
    origin = f" from {record.channel}" if record.channel else ""
    yield Finding(
        title="conda chose the CPU build of pytorch",
        evidence=(
            f"pytorch {record.version} {record.build}{origin}",
            *context.variable_evidence("CONDA_OVERRIDE_CUDA"),
        ),
        remedy=Remedy(
            text="ask for a CUDA build by its build string; a solver that sees no GPU takes the CPU build silently"
        ),
    )


def index_diverted(context: Context) -> Iterator[Finding]:
    """A setting of the installer that explains how the CPU build came."""
    if context.is_cpu_build and (diverting := _diverting(context)):
        settings = (f"{s.key} = {s.value} ({s.origin})" for s in diverting)
        yield Finding(
            title="a setting of the installer led to the CPU build",
            evidence=(*_cpu_evidence(context), *settings),
            remedy=Remedy(
                text="name the index on the command line and the exact build; an extra index has no priority, the "
                "installer takes the higher version wherever it is"
            ),
        )


def torch_cpu_build(context: Context) -> Iterator[Finding]:
    """A wheel without CUDA: by PyPI's default, by a CPU index, or by a setting that led somewhere else."""
    if context.is_cpu_build:
        yield Finding(
            title="the torch that is installed is a CPU build",
            evidence=tuple(_cpu_evidence(context)),
            remedy=INSTALL_BUILD,
        )


def torch_other_backend(context: Context) -> Iterator[Finding]:
    """A build for another vendor's GPUs."""
    if context.torch_hip:
        yield Finding(
            title="this torch is built for AMD's ROCm, not for CUDA",
            evidence=(f"torch {context.torch_version}, ROCm {context.torch_hip}",),
            remedy=INSTALL_BUILD,
        )


def _cpu_evidence(context: Context) -> Iterator[str]:
    here = _distribution(context)
    yield f"torch {context.torch_version or 'of unknown version'} has no CUDA (torch.version.cuda is None)"
    if here and context.shows(Trait.PACKAGES):
        yield f"installed by {here.installer or 'an unknown installer'} as {here.version}"
    if context.observation.system.os == "windows" and "+" not in (here.version if here else context.torch_version):
        yield "PyPI's wheels for Windows are CPU builds"


def _distribution(context: Context) -> Distribution | None:
    return next(iter(context.environment.named("torch")), None) if context.environment else None


def _diverting(context: Context) -> list[InstallSetting]:
    """The settings that explain how a CPU build came: they name a CPU index, or add indexes to one without label."""
    own = context.environment.settings if context.environment else ()
    settings = dict.fromkeys((*context.observation.settings, *own))
    named_cpu = [s for s in settings if re.search(r"/cpu(/|$|\s)|^cpu$", s.value)]
    if named_cpu:
        return named_cpu
    here = _distribution(context)
    if here and "+cpu" in here.version:
        return []
    keys = ("extra-index-url", "index-url", "find-links", "index", "default-index", "no-index")
    return [s for s in settings if s.key in keys and s.value.rstrip("/") != PYPI]
