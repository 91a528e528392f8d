"""The project that a command works on when no GPU is named: its file, and the targets that are meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.cli.output import print_note
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions, declared, words
from envgen.request.read import read_request
from envgen.request.requests import Requests

if TYPE_CHECKING:
    from envgen.targets.manifest import Manifest, Target

# Options about files that a target states for itself; the others are of the run.
_OF_A_TARGET = ("with_packages", "requirements", "environments", "extras", "groups", "only", "output", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The targets that a run is for, and the folder that it was started in."""

    manifest: Manifest
    targets: tuple[Target, ...]
    start: Path

    def shown(self, target: Target) -> str:
        """The folder of a target as it is called where the run was started."""
        return Path(relpath(self.manifest.root / target.folder, self.start)).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, by a target of the project or, where `target` is empty, on the command line.

    `folder` is that of its files.
    """

    target: str
    wanted: RequestOptions
    requests: Requests
    folder: Path = Path()

    @property
    def words(self) -> tuple[str, ...]:
        """The options that ask for it."""
        return ("--target", self.target) if self.target else tuple(words(self.wanted))

    @property
    def heading(self) -> str:
        """The line above an answer that is for a target."""
        return f"target {self.target}\n" if self.target else ""


def asked_of(
    names: Sequence[str] | None, wanted: RequestOptions, catalog: Catalog, *, without: Collection[str] = ()
) -> list[Asked]:
    """What the targets ask for, or the command line where it names a GPU or there is no project.

    `without` are the options that the command does not read; a target for the CPU stays one.

    Raises: what project_of and read_request raise.
    """
    project = project_of(names, wanted)
    if project is None:
        return [Asked(target="", wanted=wanted, requests=read_request(wanted, catalog))]
    found = []
    for one in project.targets:
        own = _without(one.wanted, without)
        folder = Path(project.shown(one))
        found.append(Asked(target=one.name, wanted=own, requests=read_request(own, catalog), folder=folder))
    return found


def _without(wanted: RequestOptions, fields: Collection[str]) -> RequestOptions:
    plain = {name: getattr(RequestOptions(), name) for name in fields if name != "cuda" or not _is_cpu(wanted)}
    return replace(wanted, **plain)


def project_of(names: Sequence[str] | None, wanted: RequestOptions | None = None) -> Project | None:
    """The project of this folder when no GPU is named and there is one; said on stderr.

    Raises: UsageError for options that the targets state themselves, and for `--target` without a project or beside a
    GPU; ManifestError.
    """
    # Commands that take no request have options of their own by these names.
    stated = _given(RequestOptions, ()) if wanted is not None else []
    has_gpu = wanted is not None and bool(wanted.gpus or wanted.capabilities or wanted.machines or _is_cpu(wanted))
    if has_gpu:
        if names:
            raise UsageError(f"{stated[0] if stated else '--gpu'} and --target exclude each other", hint="give one")
        return None
    from envgen.request.settings import WriteOptions
    from envgen.targets.errors import TargetUnknownError
    from envgen.targets.manifest import OWN_FILE, SHARED_FILE, find_manifest

    start = Path.cwd()
    path = find_manifest(start)
    if path is None:
        if names:
            text = f"there is no {OWN_FILE} here, and no {SHARED_FILE} with [tool.envgen] (for --target)"
            raise TargetUnknownError(text, hint="envgen init writes one")
        return None
    if own := [*stated, *(_given(WriteOptions, _OF_A_TARGET) if wanted is not None else [])]:
        text = f"{', '.join(own)} would not be read: the targets of {relpath(path, start)} state it themselves"
        raise UsageError(text, hint="change it there, or name a GPU to make an environment beside the project")
    from envgen.targets.read import read_manifest

    manifest = read_manifest(path)
    found = Project(manifest=manifest, targets=manifest.named(names or ()), start=start)
    print_note(f"targets of {Path(relpath(path, start)).as_posix()}: {', '.join(t.name for t in found.targets)}")
    return found


def _is_cpu(wanted: RequestOptions) -> bool:
    return (wanted.cuda or "").strip().lower() == "cpu"


def _given(group: type, only: Collection[str]) -> list[str]:
    """The options of a group that stand on the command line, be it with their default."""
    import click
    from click.core import ParameterSource

    context = click.get_current_context(silent=True)
    if context is None:
        return []
    names = [name for name in declared(group) if not only or name in only]
    return [
        declared(group)[name][1].flag
        for name in names
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
