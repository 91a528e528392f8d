"""`envgen project`: the pairing in the words of uv, pixi or a Dockerfile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import print_note, write_answer, write_line
from envgen.core.errors import UsageError
from envgen.core.sets import PackageSet
from envgen.request.options import RequestOptions, words

if TYPE_CHECKING:
    from envgen.cli.project import Asked
    from envgen.facts.catalog import Catalog
    from envgen.project.document import ProjectDocument


class Tool(StrEnum):
    """Whose words the pairing is written in."""

    UV = "uv"
    PIXI = "pixi"
    DOCKER = "docker"


@options.takes(RequestOptions)
def project_command(
    wanted: RequestOptions,
    tool: Annotated[Tool, typer.Argument(help="Whose words: uv, pixi or docker.")],
    write: Annotated[
        bool,
        typer.Option("--write", help="Into pyproject.toml, pixi.toml or Dockerfile here; the rest of it stays."),
    ] = False,
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="IMAGE",
            help="docker: the image to build on, such as python:3.12-slim-bookworm@sha256:...; it must have Python.",
        ),
    ] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="NAME", help="The target of envgen.toml or [tool.envgen] that is meant.")
    ] = "",
) -> None:
    """Say the pairing in a project's own words: uv's indexes and sources, pixi's platforms, a Dockerfile.

    Example: envgen project uv --gpu "RTX 4090" --driver 550 --platform linux-64 --write

    The Dockerfile of a target goes beside its locks.
    """
    from envgen.facts.catalog import Catalog

    catalog = Catalog.load()
    one = _asked(wanted, target, tool, catalog)
    asked = one.requests
    for notice in asked.notices:
        print_note(notice.text)
    if base and tool is not Tool.DOCKER:
        raise UsageError(f"--base is of a Dockerfile, and {tool} writes none", hint="leave it out")
    if tool is Tool.DOCKER:
        _docker(one, base, write=write)
        return
    from envgen.project import pixi, uv
    from envgen.project.lanes import lanes_of
    from envgen.project.place import refuse_nameless

    if tool is Tool.UV:
        lanes = lanes_of(PackageSet.PIP, asked.requests, catalog)

        def edit(document: ProjectDocument) -> None:
            uv.edit(document, lanes)
            if write:
                refuse_nameless(document)
            for note in uv.clashes(document, lanes):
                print_note(note)

        _edited(Path(uv.FILE), edit, lanes.python, write=write)
        return
    lanes = lanes_of(PackageSet.CONDA, asked.requests, catalog)
    file = _pixi_file()
    _edited(file, lambda document: pixi.edit(document, lanes, pixi.PREFIX[file.name]), lanes.python, write=write)


def _asked(wanted: RequestOptions, target: str, tool: Tool, catalog: Catalog) -> Asked:
    """What the command line asks for, or the one target that is meant.

    Raises: UsageError for several targets.
    """
    from envgen.cli.project import asked_of

    asked = asked_of([target] if target else None, wanted, catalog)
    if len(asked) > 1:
        names = ", ".join(one.target for one in asked)
        text = f"{names} are several targets, and a file of {tool.value} has the pairing of one"
        raise UsageError(text, hint="name one: --target NAME")
    return asked[0]


def _edited(file: Path, edit: Callable[[ProjectDocument], None], python: str, *, write: bool) -> None:
    """Edit a file, or say what would be put into it: into the file that is there, so that what clashes is said."""
    from envgen.project.document import ProjectDocument
    from envgen.project.place import read_project, started, wider_python, write_project

    before = read_project(file)
    document = ProjectDocument(before if before is not None else started(file, python) if write else "", file.name)
    edit(document)
    if note := wider_python(document, python):
        print_note(note)
    if not write:
        alone = ProjectDocument("", file.name)
        edit(alone)
        write_answer(alone.text())
        return
    after = document.text()
    if after == before:
        write_line(f"up to date: {file.as_posix()}")
        return
    write_project(file, after)
    write_line(f"{file.as_posix()} was {'written' if before is None else 'changed'}")


def _pixi_file() -> Path:
    """The manifest of the folder's workspace: pixi.toml, or pyproject.toml where pixi's tables are in that."""
    from envgen.project.pixi import FILE
    from envgen.project.place import has_table

    if not Path(FILE).exists() and has_table(Path("pyproject.toml"), "pixi"):
        return Path("pyproject.toml")
    return Path(FILE)


def _docker(asked: Asked, base: str, *, write: bool) -> None:
    from envgen.facts.catalog import Catalog
    from envgen.files.quoting import command_line
    from envgen.files.registry import installed_file
    from envgen.project.docker import FILE, dockerfile
    from envgen.project.place import write_dockerfile
    from envgen.resolve import resolve
    from envgen.resolve.errors import NoBuildError

    requests = asked.requests.requests
    request = next((one for one in requests if one.subdir.is_linux), requests[0])
    resolution = resolve(Catalog.load(), request)
    if resolution.pip is None:
        raise NoBuildError(resolution, PackageSet.PIP)
    only = [] if asked.target else ["--only", "pip"]
    typed = asked.words if asked.target else tuple(words(replace(asked.wanted, platforms=(request.subdir.value,))))
    requirements = installed_file(PackageSet.PIP, request.subdir, many=bool(asked.target) and len(requests) > 1)
    lock_command = command_line(["envgen", *typed, *only])
    text = dockerfile(resolution.pip, request, lock_command, base=base, requirements=requirements)
    if not write:
        write_answer(text)
        return
    again = ["envgen", "project", "docker", *typed, *(("--base", base) if base else ()), "--write"]
    file = asked.folder / FILE
    changed = write_dockerfile(file, text, command_line(again))
    write_line(f"{file.as_posix()} was written" if changed else f"up to date: {file.as_posix()}")
