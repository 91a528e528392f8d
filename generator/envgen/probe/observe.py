"""One look at the host, within a time limit, read-only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from envgen.probe import commands
from envgen.probe.ask import Answer, Budget, Clock, ask, in_parallel, skipped
from envgen.probe.assemble import Gathered, assemble
from envgen.probe.files import DirectoryFiles, HostFiles
from envgen.probe.host import HostValues, host_values
from envgen.probe.linux import WSL_LIBRARIES, LinuxFiles, read_linux
from envgen.probe.nvidia import NvidiaAnswers, ask_nvidia
from envgen.probe.observation import Observation, Vendor
from envgen.probe.process import Runner, run_command

TIMEOUT_S = 5.0


def observe(
    *,
    timeout_s: float = TIMEOUT_S,
    runner: Runner = run_command,
    root: HostFiles | Path = Path("/"),
    host: HostValues | None = None,
    clock: Clock = time.monotonic,
) -> Observation:
    """Return what this host shows of its GPUs, their driver and what could divert an install; never raises for it.

    Programs are run by `runner` only and files are read below `root` only. `host` holds what the running process knows
    by itself (by default: of this one). The whole takes `timeout_s` at most; what did not answer is in `sources`.
    """
    values = host or host_values()
    files = DirectoryFiles(root) if isinstance(root, Path) else root
    budget = Budget(timeout_s, clock)
    gathered = _gather(values, files, runner, budget)
    return assemble(values, files, gathered)


def _gather(values: HostValues, files: HostFiles, runner: Runner, budget: Budget) -> Gathered:
    if values.system == "Linux":
        return _gather_linux(values, files, runner, budget)
    if values.system == "Windows":
        return _gather_windows(values, runner, budget)
    reason = f"{values.system} has no NVIDIA driver"
    return Gathered(answers={commands.NVML: skipped(commands.NVML, reason)})


def _gather_linux(values: HostValues, files: HostFiles, runner: Runner, budget: Budget) -> Gathered:
    linux = read_linux(files, values.environ)
    nvidia: list[NvidiaAnswers] = []

    def ask_driver() -> Sequence[Answer]:
        programs = ("nvidia-smi", f"{WSL_LIBRARIES}/nvidia-smi")
        nvidia.append(ask_nvidia(values.executable, programs, runner, budget))
        return nvidia[0].answers

    chains = [ask_driver, *_linux_chains(linux, runner, budget)]
    answers = in_parallel(chains)
    return Gathered(answers=answers, nvidia=nvidia[0], linux=linux)


def _linux_chains(linux: LinuxFiles, runner: Runner, budget: Budget) -> list[Callable[[], Sequence[Answer]]]:
    """The questions that do not depend on NVIDIA's own software, and those that only some hosts need."""

    def fabric() -> Sequence[Answer]:
        if not linux.has_nvswitch:
            return [skipped(commands.FABRIC, "this host shows no NVSwitch")]
        return [
            ask(commands.fabric_manager(), runner, budget),
            ask(commands.fabric_manager_version(), runner, budget),
        ]

    def log() -> Sequence[Answer]:
        on_bus = any(gpu.vendor is Vendor.NVIDIA for gpu in linux.gpus)
        if "nvidia" not in linux.modules and not on_bus:
            return [skipped(commands.DMESG, "no NVIDIA GPU and no module of NVIDIA's are there to report anything")]
        return [ask(commands.dmesg(), runner, budget)]

    return [
        lambda: [ask(commands.lspci(), runner, budget)],
        lambda: [ask(commands.ldconfig(), runner, budget)],
        fabric,
        log,
    ]


def _gather_windows(values: HostValues, runner: Runner, budget: Budget) -> Gathered:
    nvidia: list[NvidiaAnswers] = []
    system_root = values.environ.get("SystemRoot", r"C:\Windows")

    def ask_driver() -> Sequence[Answer]:
        # Drivers before 2019 put nvidia-smi into Program Files.
        programs = ("nvidia-smi", r"C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe")
        nvidia.append(ask_nvidia(values.executable, programs, runner, budget))
        return nvidia[0].answers

    answers = in_parallel([ask_driver, lambda: [ask(commands.powershell(system_root), runner, budget)]])
    return Gathered(answers=answers, nvidia=nvidia[0])
