"""A project's file: where it is, and the targets that it states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath

from envgen.core.dataclass import dataclass
from envgen.core.errors import quoted
from envgen.core.platforms import Subdir
from envgen.core.text_files import read_text_file
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.targets.errors import TargetUnknownError

OWN_FILE = "envgen.toml"
SHARED_FILE = "pyproject.toml"
FOLDERS = "envs"
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One environment of a project: the options of the run that makes it.

    Its folder is `writing.output`, relative to the project's file. `runners` maps a platform to the labels of the
    runner that has the target's GPU. `line` is where it is stated.
    """

    name: str
    line: int
    wanted: RequestOptions
    writing: WriteOptions
    runners: Mapping[Subdir, str] = field(default_factory=dict)

    @property
    def folder(self) -> PurePosixPath:
        """The folder of its files, relative to the project's file."""
        return PurePosixPath(self.writing.output or ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A project's file and its targets, in the order in which they are stated."""

    path: Path
    targets: tuple[Target, ...]

    @property
    def root(self) -> Path:
        """The folder that every path of it is relative to."""
        return self.path.parent

    def named(self, names: Iterable[str]) -> tuple[Target, ...]:
        """The targets with these names, in the file's order; all of them for no name.

        Raises: TargetUnknownError.
        """
        wanted = dict.fromkeys(names)
        known = {target.name: target for target in self.targets}
        for name in wanted:
            if name not in known:
                there = f"it states {', '.join(known)}"
                hint = "name one of them (from --target)"
                raise TargetUnknownError(f"{self.path.name} has no target {quoted(name)}", fact=there, hint=hint)
        return tuple(target for target in self.targets if not wanted or target.name in wanted)


def find_manifest(start: Path) -> Path | None:
    """The project's file for a folder: in it, or in the nearest folder above, up to the root of its repository.

    In one folder envgen.toml comes before pyproject.toml, which counts only with a table [tool.envgen].
    """
    for folder in (start, *start.parents):
        if (folder / OWN_FILE).exists() and not (folder / OWN_FILE).is_dir():
            return folder / OWN_FILE
        if _has_table(folder / SHARED_FILE):
            return folder / SHARED_FILE
        if (folder / ".git").exists():
            return None
    return None


def _has_table(path: Path) -> bool:
    """True for a pyproject.toml with the table, and for one that seems to have it and is no TOML: to be told so."""
    import tomllib

    from envgen.core.toml_text import parse_toml

    try:
        text = read_text_file(path, largest=LARGEST, with_utf16=False) if path.is_file() else ""
    except (OSError, ValueError):
        return False
    if "envgen" not in text:
        return False
    try:
        return "envgen" in parse_toml(text).get("tool", {})
    except (tomllib.TOMLDecodeError, TypeError):
        return "[tool.envgen" in text
