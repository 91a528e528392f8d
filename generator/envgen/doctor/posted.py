"""The diagnosis of a machine that only a posted text tells of, and a reply to its reporter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from envgen.causes.context import NO_TRAIT, SHOWN, Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.findings import Level
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.doctor.diagnose import diagnose
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.document import diagnosis_mapping
from envgen.doctor.scrub import Identity, scrub
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.probe.observation import Observation, Vendor
from envgen.reports.machines import PostedMachine, machines_in
from envgen.reports.report import Report, read_report
from envgen.resolve.coverage import code_for

_COLLECT = "python -m torch.utils.collect_env"
_ASK_KERNEL = 'python -c "import torch; print((torch.ones(9).cuda() * 2).sum())"'
_ASK_TORCH = 'python -c "import torch; print(torch.__version__, torch.version.cuda); torch.zeros(1).cuda()"'


class UnreadableReportError(EnvgenError):
    """A text that holds nothing of what is read."""

    code = "report-unreadable"
    exit_code = 3

    def __init__(self) -> None:
        super().__init__(
            "the text holds nothing that says something about CUDA on a machine (from --report)",
            "read are collect_env, nvidia-smi, pip and conda lists, tracebacks and warnings of torch",
            hint=f"ask for the output of `{_COLLECT}` and of `nvidia-smi`",
        )


class SeveralMachinesError(EnvgenError):
    """A text of several computers: what it says of torch is of one of them, and nobody can tell of which."""

    code = "report-of-several-machines"
    exit_code = 3

    def __init__(self, machines: tuple[PostedMachine, ...]) -> None:
        super().__init__(
            f"the text shows {len(machines)} computers (from --report)",
            *(
                f"line {one.line}: {', '.join(one.gpus)}" + (f", driver {one.driver}" if one.driver else "")
                for one in machines
            ),
            hint="pass what is of one of them, cut from its line to before the next: each is judged by itself",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that the text does not hold, and the command whose output would."""

    what: str
    ask: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What was read, what it shows, and what is missing in it."""

    report: Report
    context: Context
    diagnosis: Diagnosis
    lacks: tuple[Lack, ...]


def examine_text(text: str) -> Posted:
    """Return the diagnosis of the machine that a pasted text tells of.

    Raises: UnreadableReportError when nothing in it is of a kind that is known, SeveralMachinesError when it is of
    several computers.
    """
    report = read_report(text)
    if report is None:
        raise UnreadableReportError
    if len(machines := machines_in(text)) > 1:
        raise SeveralMachinesError(machines)
    builds, catalog = Catalog.load(), GpuCatalog.load()

    shown = Trait.PACKAGES if report.has_packages else NO_TRAIT
    shown |= Trait.LIBRARIES if report.observation.parts.libraries else NO_TRAIT
    observation = _completed(report, builds, catalog)
    is_other = observation.gpus and not observation.nvidia
    shown |= Trait.BUS if is_other or observation.system.os == "macos" else NO_TRAIT
    context = Context(
        observation=observation,
        builds=builds,
        catalog=catalog,
        environment=report.environment,
        run=report.run,
        not_run="the text does not show it",
        hidden=SHOWN & ~shown,
    )
    context = _of_torch_itself(context)
    diagnosis = diagnose(context)
    return Posted(report=report, context=context, diagnosis=diagnosis, lacks=tuple(_lacks(context)))


def _completed(report: Report, builds: Catalog, catalog: GpuCatalog) -> Observation:
    """What was observed, with what the tables tell of names: whose a GPU is, and the L4T of a JetPack.

    ROCm's torch speaks of CUDA devices, too.
    """
    observation, jetson = report.observation, report.observation.system.jetson
    is_amd = {gpu.name for gpu in observation.gpus if gpu.name and catalog.match(gpu.name).vendor == "AMD"}
    gpus = tuple(replace(gpu, vendor=Vendor.AMD) if gpu.name in is_amd else gpu for gpu in observation.gpus)
    named = [jetpack for jetpack in builds.jetpacks if report.jetpack in (jetpack.release, *jetpack.l4t)]
    if jetson is not None and not jetson.l4t and named:
        jetson = replace(jetson, l4t=named[0].l4t[-1])
    return replace(observation, gpus=gpus, system=replace(observation.system, jetson=jetson))


def _of_torch_itself(context: Context) -> Context:
    """The context without a kernel that is said to be missing and that the build may have: it can be another package's.

    Where the system isn't known, a build of that name for any of them counts. Of a build that the catalog doesn't know
    its CUDA may compile for the GPU or not.
    """
    run = context.run
    if run is None or any(device.capability for device in run.devices):
        return context
    listed = [] if context.subdir else [context.arch_list_on(subdir) for subdir in Subdir]
    gpus = [known.gpu for known in context.gpus if known.gpu]
    may_have = context.arch_list or any(code_for(codes, gpu, context.torch_cuda) for codes in listed for gpu in gpus)
    if not context.arch_list and not any(listed) and context.torch_cuda:
        may_have = any(_compiles_for(context, gpu.capability) for gpu in gpus)
    return replace(context, run=replace(run, devices=())) if may_have else context


def _compiles_for(context: Context, capability: ComputeCapability) -> bool:
    """True when the toolkit that torch was built with knows a GPU's architecture."""
    support = context.builds.support.get(capability)
    return support is None or release_key(support.first_toolkit or "0") <= release_key(context.torch_cuda)


def _lacks(context: Context) -> Iterator[Lack]:
    """What would be needed to say more, the most telling first."""
    observation, torch = context.observation, context.environment.torch if context.environment else None
    unclear = [known.label for known in context.gpus if known.gpu is None]
    if unclear:
        yield Lack(what=f"which GPU {unclear[0]!r} is: the name is cut or unknown", ask="nvidia-smi -L")
    elif not context.gpus:
        yield Lack(what="the GPU", ask="nvidia-smi")
    if observation.driver is None and not observation.system.jetson:
        yield Lack(what="the driver", ask="nvidia-smi")
    yield from _lacks_of_the_driver(context)
    if torch is None or (torch.cuda == "" and not context.torch_cuda):
        yield Lack(what="which build of torch it is", ask=_COLLECT)
    if not observation.system.os:
        yield Lack(what="the operating system", ask=_COLLECT)
    if not context.shows(Trait.TORCH_RUN):
        yield Lack(what="what torch says", ask=_ASK_TORCH)
    elif context.run and context.run.available is False and not context.start_errors and not context.is_cpu_build:
        yield Lack(what="why CUDA is not available, in torch's words", ask=_ASK_TORCH)
    if not observation.python.version:
        yield Lack(what="the Python version", ask="python -VV")


def _lacks_of_the_driver(context: Context) -> Iterator[Lack]:
    """What would explain an answer of the driver that can have several causes."""
    observation, error = context.observation, context.observation.parts.error
    if observation.system.jetson and not observation.system.jetson.l4t:
        yield Lack(what="the JetPack", ask="cat /etc/nv_tegra_release")
    if "No devices were found" in error and not observation.kernel_messages:
        yield Lack(what="what the driver says of the GPU in the kernel log", ask="sudo dmesg | grep -i nvrm")
        yield Lack(what="what is on the PCI bus", ask="lspci -nn -d 10de:")
    if "Unknown Error" in error and not observation.system.container:
        yield Lack(what="whether it is inside a container", ask="ls /.dockerenv; cat /proc/1/cgroup")
    if context.torch_cuda and not (context.run and context.run.devices) and context.error_line("no kernel image"):
        yield Lack(what="whether torch's own kernels run, or those of another package don't", ask=_ASK_KERNEL)
    if context.driver_answers and context.error_line("Found no NVIDIA driver"):
        yield Lack(what="which libcuda the loader finds", ask="ldconfig -p | grep libcuda; echo $LD_LIBRARY_PATH")


def posted_mapping(posted: Posted, *, strict: bool) -> dict[str, Any]:
    """Return the diagnosis as JSON knows it, with what was read, what is missing, and the reply."""
    found = diagnosis_mapping(posted.context, posted.diagnosis, strict=strict)
    return {key: _clean(value) for key, value in found.items()} | {
        "read": list(posted.report.formats),
        "lacks": [{"what": _spoken(lack.what), "ask": lack.ask} for lack in posted.lacks],
        "reply": "\n".join(_reply(posted)),
    }


def posted_lines(posted: Posted) -> Iterator[str]:
    """Yield the diagnosis as lines: what was read, what it shows, what is missing, and a reply to paste."""
    context = posted.context
    yield f"read    {', '.join(posted.report.formats)}: of the reporter's machine"
    yield _spoken(f"gpu     {context.gpu_names or 'not shown'}; driver {context.observation.driver or 'not shown'}")
    system, python = context.observation.system, context.observation.python.version
    kind = " (WSL)" if system.wsl else " (Jetson)" if system.jetson else " (container)" if system.container else ""
    yield _spoken(f"system  {system.name or system.os or 'not shown'}{kind}; Python {python or 'not shown'}")
    yield _spoken(f"torch   {context.torch_version or 'not shown'}; {_state(context)}")
    yield ""
    for finding in posted.diagnosis.findings:
        yield _spoken(f"{finding.level}: {finding.title} [{finding.code}]")
        yield from (_spoken(f"  {line}") for line in finding.evidence)
        yield _spoken(f"  remedy: {finding.remedy.text}")
    if not posted.diagnosis.findings:
        yield "nothing that is shown keeps CUDA from working" if _says_it_works(context) else "the cause can't be told"
    if posted.lacks:
        yield f"not in the report: {'; '.join(_spoken(lack.what) for lack in posted.lacks)}"
    yield ""
    yield "reply:"
    yield from (f"  {line}".rstrip() for line in _reply(posted))


def _reply(posted: Posted) -> Iterator[str]:
    """The answer to the reporter, in Markdown."""
    pressing = _pressing(posted.diagnosis)
    if pressing is None:
        if _says_it_works(posted.context):
            yield "Nothing in what you posted keeps CUDA from working."
        else:
            yield "From what you posted the cause can't be told yet."
    else:
        yield _spoken(f"From what you posted: {pressing.title}.", whose="your machine")
        yield from (_spoken(f"- {line}", whose="your machine") for line in pressing.evidence)
        yield ""
        yield from _advice(posted.diagnosis.fix or pressing.remedy)
    asks = dict.fromkeys(lack.ask for lack in posted.lacks) if pressing is None else {}
    if asks and not _says_it_works(posted.context):
        yield ""
        yield "Please add the output of:"
        yield from (f"    {ask}" for ask in asks)


def _advice(remedy: Remedy) -> Iterator[str]:
    if remedy.command:
        yield _spoken(f"What helps{f': {remedy.where}, then' if remedy.where else ''}:", whose="your machine")
        yield ""
        yield f"    {_spoken(remedy.command)}"
    else:
        yield _spoken(f"What helps: {remedy.text}.", whose="your machine")


def _pressing(diagnosis: Diagnosis) -> Finding | None:
    errors = diagnosis.errors or tuple(f for f in diagnosis.findings if f.level is Level.WARNING)
    return errors[0] if errors else None


def _says_it_works(context: Context) -> bool:
    return bool(context.run and context.run.available) and not context.start_errors


def _state(context: Context) -> str:
    if context.is_cpu_build:
        return "a build without CUDA"
    if context.torch_hip:
        return f"built for ROCm {context.torch_hip}"
    build = f"CUDA {context.torch_cuda}" if context.torch_cuda else "CUDA of the build not shown"
    available = context.run.available if context.run else None
    return build if available is None else f"{build}, {'available' if available else 'not available'}"


def _spoken(text: str, whose: str = "the reporter's machine") -> str:
    """A line of ours, said of somebody else's machine and without what names that person."""
    return scrub(re.sub(r"\bthis (computer|system|host)\b", whose, text), Identity())


def _clean(value: object) -> object:
    """A JSON value whose texts name nobody."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return _spoken(value) if isinstance(value, str) else value
