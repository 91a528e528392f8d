"""compat.json: GPUs, capabilities, builds and decisions as data, with a schema and a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envgen.core.builds import Build
from envgen.core.platforms import CUDA_SUBDIRS
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.site.decisions import Table
from envgen.site.names import NameTables

# Major: a key changed its meaning or went; minor: keys came. Rows come and go with the catalog's revision.
VERSION = "1.1"


def compat(catalog: Catalog, names: NameTables, table: Table, revision: str) -> dict[str, Any]:
    """Return the whole document."""
    return {
        "version": VERSION,
        "catalog": revision,
        "gpus": [
            {
                "name": gpu.name,
                "compute_capability": str(gpu.capability),
                "architecture": gpu.architecture,
                "chip": gpu.chip,
                "pci_ids": list(gpu.pci_ids),
            }
            for gpu in names.gpus
        ],
        "capabilities": [
            {
                "compute_capability": str(capability),
                "architecture": support.architecture,
                "first_driver_branch": support.first_branch,
                "last_driver_branch": support.last_branch,
                "source": support.source,
            }
            for capability, support in sorted(catalog.support.items())
        ],
        "driver_floors": [
            {"cuda_major": major, "linux": str(floor.linux), "windows": str(floor.windows), "source": floor.source}
            for major, floor in sorted(catalog.floors.items())
        ],
        "windows_numbers": [
            {"driver": driver, "linux_branch": branch} for driver, branch in table.windows_numbers.items()
        ],
        "builds": [
            _build(build)
            for package_set in PackageSet
            for subdir in CUDA_SUBDIRS
            for build in catalog.builds(package_set, subdir)
        ],
        "decisions": [
            {
                "compute_capability": str(capability),
                "platform": subdir.value,
                "python": python,
                "drivers": [{"from": driver, **_answer(table, at)} for driver, at in row],
            }
            for (capability, subdir, python), row in table.rows.items()
        ],
    }


def _build(build: Build) -> dict[str, Any]:
    return {
        "set": build.package_set.value,
        "torch": build.torch,
        "cuda_tag": build.cuda_tag,
        "toolkit": build.cuda,
        "platform": build.subdir.value,
        "pythons": list(build.pythons),
        "arch_list": build.arch_list.split(),
        "cudnn": build.cudnn or None,
        "glibc": build.glibc or None,
        "on_pypi": build.on_pypi,
        "existence": build.existence.value,
        "evidence": build.evidence,
        "source": build.source,
    }


def _answer(table: Table, at: int) -> dict[str, str | None]:
    answer = table.answers[at]
    return {
        "pip": answer.pip.build.short_label if answer.pip else None,
        "conda": answer.conda.build.short_label if answer.conda else None,
    }


def compat_schema() -> Mapping[str, Any]:
    """The JSON Schema of the document (2020-12)."""
    text: dict[str, Any] = {"type": "string"}
    optional: dict[str, Any] = {"type": ["string", "null"]}
    number: dict[str, Any] = {"type": ["integer", "null"]}
    texts = {"type": "array", "items": text}
    drivers = {"type": "array", "items": _object({"from": text, "pip": optional, "conda": optional})}
    build = {
        "set": {"enum": ["pip", "conda"]},
        "torch": text,
        "cuda_tag": text,
        "toolkit": text,
        "platform": {"enum": [subdir.value for subdir in CUDA_SUBDIRS]},
        "pythons": texts,
        "arch_list": texts,
        "cudnn": optional,
        "glibc": optional,
        "on_pypi": {"type": "boolean"},
        "existence": {"enum": ["seen", "announced", "uncertain"]},
        "evidence": text,
        "source": text,
    }
    gpu = {"name": text, "compute_capability": text, "architecture": text, "chip": text, "pci_ids": texts}
    capability = {
        "compute_capability": text,
        "architecture": text,
        "first_driver_branch": number,
        "last_driver_branch": number,
        "source": text,
    }
    floor = {"cuda_major": {"type": "integer"}, "linux": text, "windows": text, "source": text}
    decision = {"compute_capability": text, "platform": text, "python": text, "drivers": drivers}
    rows: dict[str, dict[str, Any]] = {
        "gpus": gpu,
        "capabilities": capability,
        "driver_floors": floor,
        "windows_numbers": {"driver": text, "linux_branch": text},
        "builds": build,
        "decisions": decision,
    }
    arrays = {key: {"type": "array", "items": _object(columns)} for key, columns in rows.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "compat",
        "description": "GPUs, PyTorch builds and which run where. Major version: keys change; minor: keys come.",
        **_object({"version": {"const": VERSION}, "catalog": text, **arrays}),
    }


def _object(properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
