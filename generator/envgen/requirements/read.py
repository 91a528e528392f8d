"""Reads the files that a run was given, and what their lines say of torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from envgen.core.builds import Companions
from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.requirements import canonical
from envgen.facts.catalog import Catalog
from envgen.requirements.asked import Asked, TorchAsked
from envgen.solve.extras import environment_of


def read_files(files: Sequence[str], *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Asked:
    """Return what files ask for: pyproject.toml, environment.yml, and the rest as pip reads them.

    Raises: RequirementsFileError; UsageError when `--extra` or `--group` has no pyproject.toml to be of.
    """
    asked = Asked()
    for file in files:
        before = set(asked.lines())
        path, name = Path(file), file if not Path(file).is_absolute() else Path(file).name
        if path.suffix in (".yml", ".yaml"):
            from envgen.requirements.environment_yml import take_environment

            take_environment(asked, path, name)
        elif path.suffix == ".toml":
            from envgen.requirements.pyproject import take_pyproject

            take_pyproject(asked, path, name, extras=extras, groups=groups)
        else:
            from envgen.requirements.requirements_txt import take_requirements

            take_requirements(asked, path, name)
        asked.inputs[Path(name).as_posix()] = tuple(line for line in asked.lines() if line not in before)
    if (extras or groups) and not any(Path(file).suffix == ".toml" for file in files):
        raise UsageError("--extra and --group are of a pyproject.toml", hint="name it with --requirements")
    return asked


def with_torch(request: Request, asked: Asked, catalog: Catalog) -> Request:
    """The request with what the lines of torch's family ask for on its platform and Python.

    Raises: UsageError when they ask for two CUDA tags.
    """
    if not asked.family:
        return request
    found = torch_asked(asked.family, request.subdir, request.python)
    excluded = _excluded(found, catalog.companions.values())
    parts = [part for text in (request.torch, found.torch, *excluded) for part in text.split(",") if part]
    if found.cuda and request.cuda and found.cuda != request.cuda:
        raise UsageError(f"the requirements ask for {found.cuda}, --cuda for {quoted(request.cuda)}")
    return replace(
        request,
        torch=",".join(dict.fromkeys(parts)),
        cuda=request.cuda or found.cuda,
        audio=request.audio or found.audio,
    )


def torch_asked(family: Iterable[str], subdir: Subdir, python: str) -> TorchAsked:
    """What lines of torch, torchvision and torchaudio ask for on a platform."""
    from packaging.requirements import Requirement

    environment = environment_of(subdir, python)
    specifiers: list[str] = []
    companions: dict[str, str] = {}
    cuda = ""
    for line in family:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": ""}):
            continue
        project = canonical(requirement.name)
        parts = []
        for part in requirement.specifier:
            version, _, local = part.version.partition("+")
            cuda = local if project == "torch" and local.startswith("cu") else cuda
            parts.append(f"{part.operator}{version}")
        if project == "torch":
            specifiers += sorted(parts)
        else:
            companions[project] = ",".join(filter(None, (companions.get(project, ""), *sorted(parts))))
    return TorchAsked(torch=",".join(specifiers), cuda=cuda, audio="torchaudio" in companions, companions=companions)


def _excluded(found: TorchAsked, rows: Iterable[Companions]) -> Iterator[str]:
    """The releases of torch whose companions are not those that were asked for."""
    from packaging.specifiers import SpecifierSet

    bounds = {project: SpecifierSet(text) for project, text in found.companions.items() if text}
    for row in sorted(rows, key=lambda row: release_key(row.torch)):
        versions = {"torchvision": row.torchvision, "torchaudio": row.torchaudio or row.torchaudio_loads}
        if any(not versions[project] or versions[project] not in bound for project, bound in bounds.items()):
            yield f"!={row.torch}"
