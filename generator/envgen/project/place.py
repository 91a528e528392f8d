"""The files of a project where they lie: read as they are, line ends included, and written whole."""

from __future__ import annotations

import re
from pathlib import Path

from envgen import __version__
from envgen.core.errors import UsageError
from envgen.core.requirements import read_specifiers
from envgen.core.text_files import read_regular, system_reason
from envgen.files.header import Header, body_digest, compose
from envgen.output.plan import make_plan, read_file
from envgen.output.writing import apply, replace_files
from envgen.project.document import ProjectDocument, ProjectFileError


def read_project(file: Path) -> str | None:
    """The text of a project's file, None where there is none.

    Raises: ProjectFileError for what is no UTF-8 text file.
    """
    try:
        return read_regular(file).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ProjectFileError(file.name, reason, "correct it, then run this again") from error


def write_project(file: Path, text: str) -> None:
    """Write a project's file, whole at every moment.

    Raises: UsageError when the folder refuses it.
    """
    try:
        replace_files(file.parent, {file.name: text})
    except OSError as error:
        raise UsageError(f"{file.name} cannot be written", fact=error.strerror or str(error)) from error


def started(file: Path, python: str) -> str:
    """What a new file of a project begins with, so that its tool takes it: the name is the folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", Path.cwd().name.lower()).strip("-") or "project"
    if file.name == "pyproject.toml":
        return f'[project]\nname = "{name}"\nversion = "0.1.0"\nrequires-python = ">={python}"\n'
    return f'[workspace]\nname = "{name}"\n'


def refuse_nameless(document: ProjectDocument) -> None:
    """Raise ProjectFileError for a pyproject.toml of other tools alone: uv takes no [project] without a name."""
    if document.get("project", "name") is None:
        reason = "it has no project.name, without which uv takes no [project]"
        hint = "write a [project] with its name and version, then run this again"
        raise ProjectFileError(document.file, reason, hint)


def wider_python(document: ProjectDocument, python: str) -> str:
    """What to know of a project whose requires-python admits older Pythons than the one that was decided for."""
    stated = document.get("project", "requires-python")
    major, minor = python.split(".")
    bounds = read_specifiers(stated) if isinstance(stated, str) else None
    if bounds is None or f"{major}.{int(minor) - 1}.99" not in bounds:
        return ""
    return (
        f"requires-python of {document.file} is {stated}, and this was decided for Python {python}: a lock of the "
        f'project needs wheels for each Python; make it ">={python}", or decide for the oldest with --python'
    )


def has_table(file: Path, tool: str) -> bool:
    """True for a pyproject.toml with a table of a tool's."""
    text = read_project(file)
    return text is not None and ProjectDocument(text, file.name).get("tool", tool) is not None


def write_dockerfile(file: Path, body: str, command: str) -> bool:
    """Write a Dockerfile under a header, and return whether it changed.

    Raises: OutputEditedError for one that a person wrote or edited.
    """
    from envgen.facts.tables import catalog_revision

    title = f"{__version__} {file.name} for the locked pip environment beside it"
    header = Header(title=title, command=command, lines=(), catalog=catalog_revision(), body=body_digest(body))
    found = {file.name: read_file(file)} if file.exists() else {}
    plan = make_plan(file.parent, found, {file.name: compose(body, header)}, force=False)
    apply(plan)
    return bool(plan.pending)
