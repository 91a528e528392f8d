"""The folder that a run writes into, and whether it may."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.request.settings import WriteOptions

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFolder:
    """A folder, and the files with names of ours in it: name -> text, None when one is no text.

    `instead_of` names the files because of which it is not the current folder.
    """

    path: str
    found: Mapping[str, str | None]
    instead_of: tuple[str, ...] = ()

    @property
    def untouched(self) -> dict[str, str]:
        """The files that nobody edited since envgen wrote them."""
        if not self.found:
            return {}
        from envgen.output.plan import untouched

        return untouched(self.found)


def output_folder(
    writing: WriteOptions, requests: Sequence[Request], sets: Collection[PackageSet], inputs: Collection[str] = ()
) -> OutputFolder:
    """The folder of a run: `--output`, or the current one, or `envs/NAME` when a name of ours is taken there.

    A name is taken by a file that envgen never wrote, and by an input of the run (`inputs`, whole paths).

    Raises: OutputEditedError, before anything is solved, when a file would have to be forced.
    """
    if writing.output == "":
        raise UsageError('"" is not a folder (from --output)', hint="pass --output . for the current folder")
    path = writing.output or "."
    if _is_empty(path):
        return OutputFolder(path=path, found={})
    from envgen.output.plan import read_folder, refusal_of

    folder = OutputFolder(path=path, found=read_folder(Path(path)))
    wanted = _names(requests, sets)
    taken = [name for name in folder.found if name in wanted and _is_taken(Path(path) / name, folder, inputs)]
    if taken and writing.output is None and not writing.force:
        path = (Path("envs") / (writing.name or environment_name(requests))).as_posix()
        folder = OutputFolder(path=path, found=read_folder(Path(path)), instead_of=tuple(taken))
    if not (writing.force or writing.dry_run or writing.check):
        refusal = refusal_of(Path(folder.path), {n: t for n, t in folder.found.items() if n in wanted})
        if refusal is not None:
            raise refusal
    return folder


def environment_name(requests: Sequence[Request]) -> str:
    """What an environment is called by its GPUs: `geforce-rtx-3090`."""
    names = dict.fromkeys(requested.gpu.name for requested in requests[0].gpus)
    slug = re.sub(r"[^a-z0-9]+", "-", " ".join(names).lower().replace(".", "")).strip("-")
    return slug[:_LONGEST_NAME].rstrip("-") or "envgen"


def _is_empty(path: str) -> bool:
    """True where nothing is that could be replaced, and nothing has to be loaded that knows the names of ours."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _is_taken(path: Path, folder: OutputFolder, inputs: Collection[str]) -> bool:
    from envgen.output.plan import is_foreign

    return str(path.absolute()) in inputs or is_foreign(folder.found[path.name])


def _names(requests: Sequence[Request], sets: Collection[PackageSet]) -> set[str]:
    """The file names of some sets, one name for all platforms or one for each."""
    from envgen.files.registry import SMOKE_TEST, formats_of

    many = len(requests) > 1
    formats = [one for package_set in sets for one in formats_of(package_set)]
    subdirs: list[Subdir] = [request.subdir for request in requests]
    return {SMOKE_TEST.one, *(one.name(subdir, many=many) for one in formats for subdir in subdirs)}
