"""Environments and runs of torch, made up from files and from the lines that the child prints.

The environments are read by the real reader from files in memory; the lines are parsed by the real parser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from envgen.causes.context import Context
from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.doctor.diagnose import diagnose
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.document import diagnosis_lines
from envgen.environments.inspected import InspectedEnvironment, Interpreter, read_environment
from envgen.environments.torch_run import RunOutcome, TorchRun, parse_run
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.probe.observation import EnvironmentKind, InstallSetting, Observation
from envgen.resolve import resolve
from probe.host_capture import CapturedEntry, CapturedFiles, look_at

PREFIX = "/home/ada/venv"
SITE = f"{PREFIX}/lib/python3.12/site-packages"


@cache
def builds() -> Catalog:
    """The real catalog, read once."""
    return Catalog.load()


@cache
def catalog() -> GpuCatalog:
    """The real GPU catalog, read once."""
    return GpuCatalog.load()


def decide(request: Request) -> Resolution:
    """The real decision."""
    return resolve(builds(), request)


def dist(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    installer: str = "pip",
    record: Sequence[str] = (),
    gone: Sequence[str] = (),
    site: str = SITE,
) -> dict[str, str]:
    """The files of one installed distribution; those of `gone` are recorded and not there."""
    info = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {f"{info}/METADATA": metadata + "\nText.\n", f"{info}/INSTALLER": installer + "\n"}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*record, *gone))
    return files | {f"{site}/{path}": "" for path in record}


def torch(version: str, cuda: str | None, *, recorded: str = "", site: str = SITE, **more: Any) -> dict[str, str]:
    """The files of an installed torch. `recorded` is its dist-info's version where that differs, as PyPI's does."""
    files = dist("torch", recorded or version, site=site, **more)
    text = f"__version__ = {version!r}\ndebug = False\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
    return files | {f"{site}/torch/version.py": text, f"{site}/torch/__init__.py": ""}


def vision(version: str, *, requires: Sequence[str] = (), site: str = SITE) -> dict[str, str]:
    """The files of an installed torchvision."""
    text = f"__version__ = {version!r}\ngit_version = '0'\n"
    return dist("torchvision", version.partition("+")[0], requires=requires, site=site) | {
        f"{site}/torchvision/version.py": text
    }


def audio(version: str, *, requires: Sequence[str] = (), site: str = SITE) -> dict[str, str]:
    """The files of an installed torchaudio."""
    return dist("torchaudio", version, requires=requires, site=site) | {
        f"{site}/torchaudio/version.py": f"__version__ = {version!r}\n"
    }


def conda(name: str, version: str, build: str, prefix: str = PREFIX) -> dict[str, str]:
    """The record of a conda package."""
    text = json.dumps({"name": name, "version": version, "build": build, "channel": "conda-forge"})
    return {f"{prefix}/conda-meta/{name}-{version}-{build}.json": text}


def environment(
    *files: Mapping[str, str],
    kind: EnvironmentKind = EnvironmentKind.VENV,
    python: str = "3.12.8",
    prefix: str = PREFIX,
    path: Sequence[str] = (),
    library_path: Sequence[str] = (),
    pip: bool = True,
    **interpreter: Any,
) -> InspectedEnvironment:
    """An environment that holds these files."""
    entries = {place: CapturedEntry(text) for part in files for place, text in part.items()}
    site = f"{prefix}/lib/python{'.'.join(python.split('.')[:2])}/site-packages"
    if pip:
        entries[f"{site}/pip/__init__.py"] = CapturedEntry("")
    values = {"executable": f"{prefix}/bin/python", "base_prefix": "/usr", "platform": "linux-x86_64", **interpreter}
    described = Interpreter(version=python, prefix=prefix, path=(*path, site), **values)
    return read_environment(described, kind, CapturedFiles(entries), library_path)


GOOD_LINES: tuple[tuple[str, Any], ...] = (
    ("executable", f"{PREFIX}/bin/python"),
    ("prefix", PREFIX),
    ("torch-file", f"{SITE}/torch/__init__.py"),
    ("torch-version", "2.8.0+cu128"),
    ("cuda", "12.8"),
    ("hip", None),
    ("import-error", ""),
    ("available-error", ""),
    ("available", True),
    ("init-error", ""),
)


def torch_run(
    *devices: tuple[str, tuple[int, int], str], outcome: RunOutcome = RunOutcome.DONE, **lines: Any
) -> TorchRun:
    """A run of torch. `devices` are (name, capability, error of its kernel); `lines` replace those of a good run."""
    keys = {key.replace("_", "-"): value for key, value in lines.items()}
    said: dict[str, Any] = dict(GOOD_LINES) | keys
    if keys.get("import-error"):  # the child ends there
        said = {
            key: said[key]
            for key in ("executable", "prefix", "import-error", *(key for key in keys if keys[key] is not None))
        }
    if not devices:
        said.setdefault("warnings", [])
    text = [json.dumps([key, value]) for key, value in said.items()]
    for index, (name, capability, error) in enumerate(devices):
        text.append(json.dumps(["device", {"index": index, "name": name, "capability": list(capability), "error": ""}]))
        text.append(json.dumps(["kernel", {"index": index, "error": error}]))
        convolution = keys.get("convolution-error", error)
        if convolution is not None:
            text.append(json.dumps(["convolution", {"index": index, "error": convolution}]))
    return parse_run("\n".join(f"envgen-doctor:{line}" for line in text), outcome)


def unavailable(error: str, **lines: Any) -> TorchRun:
    """A run in which is_available() is False and CUDA's start ends in this error."""
    warning = f"CUDA initialization: {error} (Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:109.)"
    init = f"RuntimeError: {error}"
    return torch_run(available=False, init_error=init, warnings=[warning], **lines)


def host(
    name: str, *, variables: Mapping[str, str] | None = None, settings: Sequence[InstallSetting] = ()
) -> Observation:
    """A captured host, with other variables and settings."""
    observation = look_at(name)
    values = dict(observation.environ) | dict(variables or {})
    return replace(observation, environ=tuple(sorted(values.items())), settings=tuple(settings))


def context_of(
    observation: Observation,
    inspected: InspectedEnvironment | None = None,
    run: TorchRun | None = None,
    neighbours: Sequence[InspectedEnvironment] = (),
) -> Context:
    """A case with the real catalog."""
    return Context(
        observation=observation,
        builds=builds(),
        catalog=catalog(),
        environment=inspected,
        run=run,
        neighbours=tuple(neighbours),
    )


def examine(
    observation: Observation,
    inspected: InspectedEnvironment | None = None,
    run: TorchRun | None = None,
    neighbours: Sequence[InspectedEnvironment] = (),
) -> Diagnosis:
    """The diagnosis with the real catalog and the real decision."""
    return diagnose(context_of(observation, inspected, run, neighbours))


def printed(context: Context) -> list[str]:
    """The lines that a user sees."""
    return list(diagnosis_lines(context, diagnose(context)))
