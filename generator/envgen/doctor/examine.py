"""The whole examination of this host: look, read, run torch, judge."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.doctor.collect import Recorder
from envgen.doctor.context import Case
from envgen.doctor.diagnose import diagnose
from envgen.doctor.findings import Diagnosis
from envgen.environments.find import Opened, Wanted, neighbours, open_environment
from envgen.environments.torch_run import TIMEOUT_S, use_torch
from envgen.facts.catalog import Catalog
from envgen.facts.gpus.catalog import GpuCatalog
from envgen.probe import commands, observe
from envgen.probe.files import DirectoryFiles, HostFiles
from envgen.probe.host import HostValues
from envgen.probe.observation import Observation, SourceStatus
from envgen.probe.process import Runner, run_command
from envgen.resolve import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A diagnosis with what it rests on; `recorder` is None unless the answers were to be kept."""

    case: Case
    diagnosis: Diagnosis
    recorder: Recorder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """The ways out of this process: programs, files, and the values of the process (None: of this one)."""

    runner: Runner = run_command
    files: HostFiles = field(default_factory=lambda: DirectoryFiles(Path("/")))
    host: HostValues | None = None


def examine_host(
    *,
    python: str | None = None,
    prefix: str | None = None,
    recording: bool = False,
    boundary: Boundary | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Examined:
    """Examine this host and one environment of it; torch runs in a child for at most `timeout_s`.

    Raises: UsageError when the named interpreter or environment is not there.
    """
    boundary = boundary or Boundary()
    runner, disk, host = boundary.runner, boundary.files, boundary.host
    recorder = Recorder(runner, disk) if recording else None
    ask = recorder.run if recorder else runner
    builds, catalog = Catalog.load(), GpuCatalog.load()

    def decide(request: Request) -> Resolution | None:
        return resolve(builds, request)

    environ = host.environ if host else os.environ
    wanted = Wanted(python=python, prefix=prefix, environ=environ, own=sys.executable)
    opened = open_environment(wanted, disk, runner, shutil.which)
    observation = observe(runner=ask, root=recorder or disk, host=host)
    no_live = _why_not_to_run(observation, opened)
    target = opened.target
    case = Case(
        observation=observation,
        builds=builds,
        catalog=catalog,
        target=target,
        live=None if no_live else use_torch(opened.python, runner, timeout_s=timeout_s),
        neighbours=neighbours(target, environ, Path.cwd(), disk) if target else (),
    )
    diagnosis = diagnose(case, decide, no_target=opened.reason, no_live=no_live)
    return Examined(case=case, diagnosis=diagnosis, recorder=recorder)


def _why_not_to_run(observation: Observation, opened: Opened) -> str:
    """Why torch is not run: no interpreter, or a driver that would only hang it too; empty when it is."""
    if not opened.python:
        return opened.reason
    asked = [observation.source(name) for name in (commands.NVML, commands.SMI_QUERY)]
    if all(source is not None and source.status is SourceStatus.TIMED_OUT for source in asked):
        return "the driver does not answer, so torch would hang too"
    return ""
