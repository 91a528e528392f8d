"""requirements.txt: pip's own format, with the files that it names."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from envgen.core.text_files import has_endless_number, read_text_file, system_reason
from envgen.readers.pip_lines import logical_lines
from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.lines import pass_over, take_line

_LARGEST = 1 << 20
_INCLUDE = ("-r", "--requirement", "-c", "--constraint")
_REASONS = {
    "-e": "an editable install is of a folder; a lock needs a file on an index",
    "--editable": "an editable install is of a folder; a lock needs a file on an index",
    "-i": "the index follows from the build of torch; --wheel-mirror names a mirror",
    "--index-url": "the index follows from the build of torch; --wheel-mirror names a mirror",
    "--extra-index-url": "torch comes from its own index and everything else from PyPI",
    "-f": "torch comes from its own index and everything else from PyPI",
    "--find-links": "torch comes from its own index and everything else from PyPI",
    "--pre": "only what a requirement names as a pre-release is taken as one",
    "--no-binary": "wheels are taken, which need no compiler",
}


def read_file(path: Path, name: str) -> str:
    """Return the text of a person's file, without a byte order mark.

    Raises: RequirementsFileError when it is missing, larger than 1 MiB, or no text.
    """
    try:
        text = read_text_file(path, largest=_LARGEST)
    except (OSError, ValueError) as error:
        raise RequirementsFileError(f"{name} can't be read", fact=system_reason(error)) from error
    if has_endless_number(text):
        raise RequirementsFileError(f"{name} can't be read", fact="it holds a number of thousands of digits")
    return text


def take_requirements(
    asked: Asked, path: Path, name: str, *, constraint: bool = False, through: tuple[tuple[str, str], ...] = ()
) -> None:
    """Add what a requirements.txt asks for, and what the files that it names do.

    `through` are the files before it, each with the place that a link or a `..` in its name leads to.

    Raises: RequirementsFileError.
    """
    place = os.path.realpath(path)
    if place in (before for _, before in through):
        names = (*(before for before, _ in through), name)
        raise RequirementsFileError(f"{name} names itself", fact=" -> ".join(names))
    if (place, constraint) in asked.seen:
        return  # named by two files: once is enough, and files that name each other twice would double at each step
    asked.seen.add((place, constraint))
    for number, line in logical_lines(read_file(path, name)):
        take_pip_line(asked, line, f"{name}:{number}", path, constraint=constraint, through=(*through, (name, place)))


def take_pip_line(  # noqa: PLR0913 -- a line, where it stands, and what was read before it
    asked: Asked,
    line: str,
    where: str,
    path: Path,
    *,
    constraint: bool = False,
    through: tuple[tuple[str, str], ...],
) -> None:
    """Add what a line of a file asks for; `through` ends with that file, from whose folder another one is read.

    Raises: RequirementsFileError.
    """
    if not line.startswith("-"):
        take_line(asked, line, where, constraint=constraint)
        return
    option, value = _option(line)
    if option not in _INCLUDE:
        pass_over(asked, where, line, _REASONS.get(option, "it says how pip installs, not what"))
    elif "://" in value:
        pass_over(asked, where, line, "a file is read from a disk; fetch it first")
    else:
        other = (Path(through[-1][0]).parent / value).as_posix()
        is_constraint = constraint or option in ("-c", "--constraint")
        take_requirements(asked, path.parent / value, other, constraint=is_constraint, through=through)


def _option(line: str) -> tuple[str, str]:
    """The option and the value of a line: `-r base.txt`, `-rbase.txt`, `--requirement=base.txt`."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    option, _, value = words[0].partition("=")
    if option.startswith("-") and not option.startswith("--") and len(option) > 2:
        return option[:2], option[2:]
    return option, value or (words[1] if len(words) > 1 else "")
