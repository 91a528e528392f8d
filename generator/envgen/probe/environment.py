"""The Python environment, the variables and the settings that decide what an install or a CUDA program gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from envgen.probe.files import HostFiles
from envgen.probe.host import HostValues
from envgen.probe.observation import EnvironmentKind, InstallSetting, PythonFacts, Source, SourceStatus
from envgen.probe.parse.install_settings import parse_pip_config, parse_uv_config, settings_of_variables

_Parser = Callable[[str, str], tuple[InstallSetting, ...]]

_VARIABLES = (
    "CONDA_DEFAULT_ENV",
    "CONDA_OVERRIDE_CUDA",
    "CONDA_PREFIX",
    "CUDA_DEVICE_ORDER",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_VISIBLE_DEVICES",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTORCH_NVML_BASED_CUDA_CHECK",
    "SLURM_GPUS_ON_NODE",
    "SLURM_JOB_GPUS",
    "SLURM_JOB_ID",
    "SLURM_STEP_GPUS",
    "TORCH_CUDA_ARCH_LIST",
    "VIRTUAL_ENV",
    "WSL_DISTRO_NAME",
)


def relevant_variables(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the environment variables that bear on CUDA or on which Python runs, sorted by name."""
    return tuple((name, environ[name]) for name in _VARIABLES if name in environ)


def python_facts(values: HostValues, files: HostFiles) -> PythonFacts:
    """Return what the running interpreter is."""
    return PythonFacts(
        version=values.python,
        executable=values.executable,
        prefix=values.prefix,
        kind=environment_kind(files, values.prefix),
        bits=values.bits,
        free_threaded=values.is_free_threaded,
        implementation=values.implementation,
    )


def environment_kind(files: HostFiles, prefix: str) -> EnvironmentKind:
    """Return what manages the environment at a prefix, by the marks that its makers leave in it."""
    if files.names(f"{prefix}/conda-meta"):
        return EnvironmentKind.CONDA
    configuration = files.read(f"{prefix}/pyvenv.cfg")
    if configuration is None:
        return EnvironmentKind.SYSTEM
    return EnvironmentKind.UV if re.search(r"^uv\s*=", configuration, re.MULTILINE) else EnvironmentKind.VENV


def install_settings(files: HostFiles, values: HostValues) -> tuple[tuple[InstallSetting, ...], tuple[Source, ...]]:
    """Return the settings of pip and uv on this host, the strongest (variables) last, and which sources were read."""
    settings: list[InstallSetting] = []
    read = False
    for path, parse in _files(values):
        text = files.read(path)
        if text is not None:
            read = True
            settings.extend(parse(text, path))
    reason = "" if read else "no configuration file of pip or uv is there"
    source = Source(name="install-settings", status=SourceStatus.OK if read else SourceStatus.ABSENT, reason=reason)
    return (*settings, *settings_of_variables(values.environ)), (source,)


def _files(values: HostValues) -> Iterable[tuple[str, _Parser]]:
    """(path, parser) of the files, the weakest first, as pip and uv document them."""
    environ, home = values.environ, values.home
    if values.system == "Windows":
        data, roaming = (
            environ.get("ProgramData", r"C:\ProgramData"),
            environ.get("APPDATA", rf"{home}\AppData\Roaming"),
        )
        yield rf"{data}\pip\pip.ini", parse_pip_config
        yield rf"{home}\pip\pip.ini", parse_pip_config
        yield rf"{roaming}\pip\pip.ini", parse_pip_config
        yield rf"{values.prefix}\pip.ini", parse_pip_config
        yield rf"{data}\uv\uv.toml", parse_uv_config
        yield rf"{roaming}\uv\uv.toml", parse_uv_config
        return
    configuration = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    yield "/etc/pip.conf", parse_pip_config
    yield f"{home}/.pip/pip.conf", parse_pip_config
    yield f"{configuration}/pip/pip.conf", parse_pip_config
    if environ.get("PIP_CONFIG_FILE"):
        yield environ["PIP_CONFIG_FILE"], parse_pip_config
    yield f"{values.prefix}/pip.conf", parse_pip_config
    yield "/etc/uv/uv.toml", parse_uv_config
    yield f"{configuration}/uv/uv.toml", parse_uv_config
