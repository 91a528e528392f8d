"""Asking NVIDIA's own software: NVML first, nvidia-smi where NVML gave no full answer."""

from __future__ import annotations

from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.probe import commands
from envgen.probe.ask import Answer, Budget, ask, skipped
from envgen.probe.observation import HostGpu, Source, SourceStatus
from envgen.probe.parse.nvml import parse_nvml
from envgen.probe.parse.report import DriverReport
from envgen.probe.parse.smi import parse_csv, parse_failure, parse_log
from envgen.probe.process import Runner

_LIBRARY_NOT_FOUND = 12  # NVML_ERROR_LIBRARY_NOT_FOUND, nvml.h


@dataclass(frozen=True, slots=True, kw_only=True)
class NvidiaAnswers:
    """What NVML and nvidia-smi said, each None when it gave no answer, and the records of asking."""

    nvml: DriverReport | None
    smi: DriverReport | None
    answers: tuple[Answer, ...]

    @property
    def reports(self) -> tuple[tuple[str, DriverReport], ...]:
        """(source name, report) of those that answered, the preferred first."""
        pairs = ((commands.NVML, self.nvml), (commands.SMI_QUERY, self.smi))
        return tuple((name, report) for name, report in pairs if report is not None)


def ask_nvidia(python: str, programs: tuple[str, ...], runner: Runner, budget: Budget) -> NvidiaAnswers:
    """Ask NVML, then nvidia-smi unless NVML told everything. `programs` are the places of nvidia-smi to try."""
    nvml_answer = ask(commands.nvml(python), runner, budget)
    nvml = parse_nvml(nvml_answer.text) if nvml_answer.text else None
    nvml_answer = replace(nvml_answer, source=_nvml_source(nvml_answer.source, nvml))
    if nvml is not None and _is_complete(nvml):
        rest = [skipped(name, "NVML answered") for name in (commands.SMI_QUERY, commands.SMI_CSV)]
        return NvidiaAnswers(nvml=nvml, smi=None, answers=(nvml_answer, *rest))
    program, log = _ask_log(programs, runner, budget)
    if not log.text:
        reason = "nvidia-smi has no answer to give"
        smi = _failed(log)
        answers = (nvml_answer, log, skipped(commands.SMI_CSV, reason))
        return NvidiaAnswers(nvml=nvml, smi=smi, answers=answers)
    rows = ask(commands.smi_csv(program), runner, budget)
    report = parse_log(log.text)
    code, words = parse_failure(log.text) if not report.gpus else (None, "")
    smi = replace(report, gpus=_with_rows(report.gpus, parse_csv(rows.text)), code=code, error=words if code else "")
    return NvidiaAnswers(nvml=nvml, smi=smi, answers=(nvml_answer, log, rows))


def _ask_log(programs: tuple[str, ...], runner: Runner, budget: Budget) -> tuple[str, Answer]:
    """The answer of the first nvidia-smi that exists."""
    answer = skipped(commands.SMI_QUERY, "there is no place to look for nvidia-smi")
    program = ""
    for program in programs:
        answer = ask(commands.smi_query(program), runner, budget)
        if answer.source.status is not SourceStatus.ABSENT:
            break
    return program, answer


def _failed(log: Answer) -> DriverReport | None:
    """The report of an nvidia-smi that ran and failed; None when it is absent or never answered."""
    if log.completed is None:
        return None
    code, words = parse_failure(log.words)
    return DriverReport(code=code, error=words or log.source.reason)


def _is_complete(report: DriverReport) -> bool:
    known = all(gpu.name and gpu.capability and not gpu.error for gpu in report.gpus)
    return not report.failed and bool(report.driver) and bool(report.gpus) and known


def _nvml_source(source: Source, report: DriverReport | None) -> Source:
    """The child ends well even when NVML fails: its words decide."""
    if report is None or not report.failed:
        return source
    status = SourceStatus.ABSENT if report.code == _LIBRARY_NOT_FOUND else SourceStatus.FAILED
    return replace(source, status=status, reason=report.error)


def _with_rows(gpus: tuple[HostGpu, ...], rows: tuple[HostGpu, ...]) -> tuple[HostGpu, ...]:
    """The log's GPUs with the compute capability that only the selective query shows."""
    capabilities = {row.pci_address: row.capability for row in rows}
    return tuple(replace(gpu, capability=gpu.capability or capabilities.get(gpu.pci_address)) for gpu in gpus)
