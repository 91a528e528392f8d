"""Which reader a file gets: by its name, else by what it begins with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from envgen.core.text_files import has_endless_number
from envgen.readers.mention import FileUnreadableError, IndexOption, Reading

# File name -> module:function. The first that fits; a project names its files in many ways around the same words.
_READERS = (
    (r"uv\.lock", "uv_lock:read_uv_lock"),
    (r"poetry\.lock", "python_locks:read_poetry_lock"),
    (r"pylock(\.[^/]+)?\.toml", "python_locks:read_pylock"),
    (r"pixi\.lock", "pixi:read_pixi_lock"),
    (r"pixi\.toml", "pixi:read_pixi_toml"),
    (r"pyproject\.toml", "pyproject:read_pyproject"),
    (r"(.*[.-])?conda-lock\.ya?ml", "conda_locks:read_conda_lock"),
    (r"(.*[.-])?(dockerfile|containerfile)([.-].*)?", "dockerfile:read_dockerfile"),
    (r".*\.ya?ml", "environment_yml:read_environment"),
    (r"conda-.*\.(lock|txt)|.*\.conda\.lock|explicit.*\.(txt|lock)", "conda_locks:read_explicit"),
    (r".*\.(txt|in|pip)", "pip_lines:read_requirements"),
)


def read(text: str, *, name: str, given: Sequence[IndexOption] = ()) -> Reading:
    """Read a file by its name; `name` may be a path. `given` are the indexes of what names a requirements file.

    Raises: FileUnreadableError for a file of no known format, or one that is not what its name says.
    """
    if has_endless_number(text):
        raise FileUnreadableError(name=name, reason="it holds a number of thousands of digits")
    base = re.split(r"[/\\]", name)[-1].lower()
    target = "conda_locks:read_explicit" if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE) else ""
    if not target and re.match(r"lock-version\s*=|created-by\s*=", text.lstrip()):
        target = "python_locks:read_pylock"
    target = target or next((found for pattern, found in _READERS if re.fullmatch(pattern, base)), "")
    if not target:
        raise FileUnreadableError(name=name, reason=f"no known format has such a name; known: {', '.join(FORMATS)}")
    module, _, function = target.partition(":")
    reader: Callable[..., Reading] = getattr(import_module(f"envgen.readers.{module}"), function)
    return reader(text, name=name, given=given) if target.endswith(":read_requirements") else reader(text, name=name)


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that a reader knows by name, sorted. A YAML or text file of another name is not taken."""
    names = re.compile(r"(environment.*\.ya?ml|requirements.*\.(txt|in)|constraints.*\.txt)", re.IGNORECASE)
    strict = [pattern for pattern, _ in _READERS if pattern not in (r".*\.ya?ml", r".*\.(txt|in|pip)")]
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and (names.fullmatch(path.name) or any(re.fullmatch(pattern, path.name.lower()) for pattern in strict))
    )


FORMATS = (
    "requirements*.txt",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "pylock.toml",
    "environment.yml",
    "conda-lock.yml",
    "explicit conda locks",
    "pixi.toml",
    "pixi.lock",
    "Dockerfile",
)
