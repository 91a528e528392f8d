"""The whole examination of this host: look, read, run torch, judge."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from envgen.causes.context import Context
from envgen.core.dataclass import dataclass
from envgen.core.releases import release_key
from envgen.doctor.collect import Recorder
from envgen.doctor.diagnose import diagnose
from envgen.doctor.diagnosis import Diagnosis
from envgen.environments.find import Opened, Wanted, neighbours, open_environment
from envgen.environments.torch_run import OLDEST_PYTHON, TIMEOUT_S, RunOutcome, TorchRun, run_torch
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.probe import commands
from envgen.probe.files import DirectoryFiles, HostFiles
from envgen.probe.host import HostValues
from envgen.probe.observation import Observation, SourceStatus
from envgen.probe.observe import observe
from envgen.probe.process import Runner, run_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A diagnosis with what it rests on; `recorder` is None unless the answers were to be kept."""

    context: Context
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

    environ = host.environ if host else os.environ
    wanted = Wanted(python=python, prefix=prefix, environ=environ, own=sys.executable)
    opened = open_environment(wanted, disk, runner, shutil.which)
    observation = observe(runner=ask, root=recorder or disk, host=host)
    not_run = _why_not_to_run(observation, opened)
    environment, run = opened.environment, None if not_run else run_torch(opened.python, runner, timeout_s=timeout_s)
    context = Context(
        observation=observation,
        builds=builds,
        catalog=catalog,
        environment=environment,
        run=run,
        without_library_path=_run_without_path(opened.python, runner, run, environ, timeout_s),
        neighbours=neighbours(environment, environ, Path.cwd(), disk) if environment else (),
        unexamined=opened.reason,
        not_run=not_run,
    )
    return Examined(context=context, diagnosis=diagnose(context), recorder=recorder)


def _run_without_path(
    python: str, runner: Runner, run: TorchRun | None, environ: Mapping[str, str], timeout_s: float
) -> TorchRun | None:
    """A second run without LD_LIBRARY_PATH, where the first one failed with it: does the variable do it?"""
    failed = run is not None and not run.computes and run.outcome is not RunOutcome.TIMED_OUT
    if not failed or not environ.get("LD_LIBRARY_PATH"):
        return None
    return run_torch(python, runner, timeout_s=timeout_s, drop=("LD_LIBRARY_PATH",))


def _why_not_to_run(observation: Observation, opened: Opened) -> str:
    """Why torch is not run: no interpreter, or a driver that would only hang it too; empty when it is."""
    if not opened.python:
        return opened.reason
    python = opened.environment.interpreter.minor.rstrip("t") if opened.environment else ""
    if python and release_key(python) < OLDEST_PYTHON:
        return f"Python {python} is too old to be asked (3.7 or newer)"
    asked = [observation.source(name) for name in (commands.NVML, commands.SMI_QUERY)]
    if all(source is not None and source.status is SourceStatus.TIMED_OUT for source in asked):
        return "the driver does not answer, so torch would hang too"
    return ""
