"""One diagnosis out of an observation, an environment and a run of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from envgen.core.findings import Level, SkippedCheck
from envgen.doctor.checks import companions, driver, hardware, install, interpreter, loader, runtime
from envgen.doctor.context import Case
from envgen.doctor.explain import contradicted, explained
from envgen.doctor.findings import Code, Diagnosis, Finding
from envgen.doctor.fix import Decide, choose_fix
from envgen.environments.torch_run import LiveOutcome
from envgen.probe.observation import SourceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check and what it cannot do without."""

    run: Callable[[Case], Iterator[Finding]]
    needs_target: bool = False
    needs_live: bool = False

    @property
    def name(self) -> str:
        """The function's name, in the spelling of the codes."""
        return self.run.__name__.replace("_", "-")


CHECKS: tuple[Check, ...] = (
    Check(run=hardware.no_nvidia_gpu),
    Check(run=hardware.gpu_passed_through),
    Check(run=hardware.gpu_powered_off),
    Check(run=hardware.gpu_lost),
    Check(run=hardware.driver_hangs),
    Check(run=hardware.out_of_memory, needs_live=True),
    Check(run=driver.wsl_driver),
    Check(run=driver.container_without_gpu),
    Check(run=driver.no_driver),
    Check(run=driver.driver_and_gpu),
    Check(run=driver.driver_mismatch),
    Check(run=driver.no_permission),
    Check(run=loader.fabric_manager),
    Check(run=loader.uvm_broken),
    Check(run=loader.libcuda_shadowed),
    Check(run=loader.forward_compatibility),
    Check(run=loader.visible_devices),
    Check(run=loader.cuda_on_library_path, needs_target=True),
    Check(run=interpreter.wrong_environment, needs_target=True),
    Check(run=interpreter.no_wheel_for_python, needs_target=True),
    Check(run=interpreter.torch_missing, needs_target=True),
    Check(run=install.torch_replaced, needs_target=True),
    Check(run=install.jetson_generic_wheel, needs_target=True),
    Check(run=install.conda_cpu_build, needs_target=True),
    Check(run=install.torch_cpu_build, needs_target=True),
    Check(run=install.torch_other_backend, needs_target=True),
    Check(run=install.cuda_libraries_broken, needs_target=True),
    Check(run=install.cudnn_overlap, needs_target=True),
    Check(run=runtime.driver_too_old),
    Check(run=runtime.no_kernel_image),
    Check(run=runtime.ptx_too_new),
    Check(run=runtime.cudnn_unsupported),
    Check(run=companions.torchvision),
    Check(run=companions.torchaudio, needs_target=True),
)


def diagnose(case: Case, decide: Decide, *, no_target: str = "", no_live: str = "") -> Diagnosis:
    """Return what keeps CUDA from working, the first to be fixed first, and the one next thing to do.

    `no_target` and `no_live` say why there is no environment or no run of torch to look at. `decide` is the decision
    for a request; it may be a function that always returns None where there is none to make.
    """
    unexamined = "this Python could not be examined" if no_target else ""
    skipped = list(_skipped_sources(case))
    found: list[Finding] = []
    for check in CHECKS:
        if check.needs_target and case.target is None:
            skipped.append(SkippedCheck(check=check.name, reason=unexamined or "no environment was given"))
        elif check.needs_live and not case.torch_ran:
            skipped.append(SkippedCheck(check=check.name, reason=unexamined or _why_not_live(case, no_live)))
        else:
            found.extend(check.run(case))
    if not case.torch_ran and (reason := unexamined or _why_not_live(case, no_live)):
        skipped.append(SkippedCheck(check="run-torch", reason=reason))
    found.extend(_unusable(case, no_target))
    found.extend(_disagreements(case))
    findings = explained(contradicted(finding, computes=case.computes) for finding in found)
    if not any(finding.level is Level.ERROR for finding in findings):
        findings = (*findings, *_unexplained(case))
    return Diagnosis(findings=findings, skipped=tuple(skipped), fix=choose_fix(case, findings, decide))


def _skipped_sources(case: Case) -> Iterator[SkippedCheck]:
    """What could not be asked although it should have an answer."""
    for source in case.observation.sources:
        if source.status in (SourceStatus.TIMED_OUT, SourceStatus.FAILED):
            yield SkippedCheck(check=f"source {source.name}", reason=source.reason)


def _why_not_live(case: Case, no_live: str) -> str:
    if case.live is None:
        return no_live or "torch was not run"
    if case.live.outcome is LiveOutcome.DONE:
        return "torch could not be imported" if case.live.import_error else "torch gave no answer"
    return case.live.reason


def _unusable(case: Case, no_target: str) -> Iterator[Finding]:
    """The interpreter that was meant does not run: what is in its environment is of no use to anybody."""
    not_run = case.live.reason if case.live and case.live.outcome is LiveOutcome.NOT_RUN else ""
    if reason := no_target or not_run:
        yield Finding(
            code=Code.PYTHON_UNUSABLE,
            level=Level.ERROR,
            title="this Python could not be examined",
            evidence=(reason,),
            remedy="make this environment anew, or name the Python that runs torch with --python",
        )


def _disagreements(case: Case) -> Iterator[Finding]:
    for clash in case.observation.disagreements:
        yield Finding(
            code=Code.SOURCES_DISAGREE,
            level=Level.INFO,
            title=f"two sources differ on the {clash.subject}",
            evidence=(f"{clash.kept} ({clash.kept_from}), {clash.other} ({clash.other_from})",),
            remedy=f"{clash.kept_from} was believed",
        )


def _unexplained(case: Case) -> Iterator[Finding]:
    """torch says no and nothing above says why: its own words are the evidence."""
    live = case.live
    if live is None or not (case.torch_cuda or case.live_failure):
        return
    crashed_late = live.outcome is LiveOutcome.CRASHED and live.stage != "done" and not live.vision_failure
    if live.computes and not crashed_late:
        return
    if live.outcome is LiveOutcome.NOT_RUN:
        return
    devices = [f"{d.name}: {error}" for d in live.devices if (error := d.kernel_error or d.convolution_error)]
    words = [" ".join(text.split())[:300] for text in (*live.errors, *devices)]
    failure = "CUDA does not work" if not live.works else "a convolution fails"
    failure = "torch computes and then crashes" if live.computes else failure
    stage = f"the last that torch said was {live.stage!r}" if case.live_failure else ""
    yield Finding(
        code=Code.UNEXPLAINED,
        level=Level.ERROR,
        title=f"{failure}, and no known cause fits",
        evidence=tuple(line for line in (case.live_failure, stage, *words) if line) or ("torch gave no reason",),
        remedy="run `envgen doctor --collect report.txt` and open an issue with that file",
        command="envgen doctor --collect report.txt",
    )
