"""Files of ours that don't hold what they say are used by no command, and each says so in the words of verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from envgen.core.errors import DataError
from envgen.core.findings import Level
from envgen.core.sites import Mirrors
from envgen.facts.catalog import Catalog
from envgen.files.reading import split
from envgen.output.plan import read_folder
from envgen.verify.findings import Code, Finding
from envgen.verify.folder import judge_files
from envgen.verify.judged import Judgement

# What the next run mends by itself, or asks about: headers, and files that are missing, of several runs or edited.
_OF_THE_FILES = frozenset(
    {
        Code.FILE_EDITED,
        Code.FILE_LEFT_OVER,
        Code.FILE_MISSING,
        Code.HEADER_MISSING,
        Code.HEADER_STRANGE,
        Code.SET_TORN,
        Code.SET_CHANGED,
    }
)
# What today's catalog says against a lock for its request, and a mirror that this run doesn't name: the decision is
# made anew, and may take another build or another place.
OF_THE_REQUEST = frozenset(
    {
        Code.BUILD_UNKNOWN,
        Code.CPU_BUILD,
        Code.CUDNN_UNSUPPORTED,
        Code.DRIVER_DROPPED_GPU,
        Code.DRIVER_PREDATES_GPU,
        Code.DRIVER_TOO_OLD,
        Code.GPU_NOT_COVERED,
        Code.HOST_UNKNOWN,
        Code.REQUEST_UNMET,
    }
)
# Between two renames of a run that was interrupted the files of a set say different things.
_OF_A_TORN_SET = frozenset({Code.FILES_DISAGREE, Code.NOT_AS_WRITTEN, Code.CONTENT_HASH, Code.FIND_LINKS_WRONG})
_SHOWN = 8


class FolderNotGoodError(DataError):
    """Files of ours hold something else than they say."""

    code = "folder-not-good"

    def __init__(self, folder: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"{folder} is not good by `envgen verify`: nothing of it is used",
            hint="take them from where they are known to be good, or let envgen make them anew with --force",
        )
        self.folder, self.findings = folder, tuple(findings)

    def facts(self) -> tuple[str, ...]:
        more = (f"and {len(self.findings) - _SHOWN} more",) if len(self.findings) > _SHOWN else ()
        return (*(finding.line for finding in self.findings[:_SHOWN]), *more)


class CheckNotGoodError(FolderNotGoodError):
    """The same for `--check`, whose status says that a run would change something."""

    exit_code = 1


class AuditNotGoodError(FolderNotGoodError):
    """The same for `envgen audit`, whose status says that a file can't be read."""

    exit_code = 3


def kept_pins(
    folder: str, found: Mapping[str, str], builds: Catalog, mirrors: Mirrors, *, force: bool = False
) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """The untouched files of a folder whose pins may be kept, and why others may not by today's catalog.

    Raises: FolderNotGoodError, unless forced: then nothing is kept.
    """
    if not found:
        return {}, ()
    judgement = judge_files(found, builds, mirrors)
    if refused := _refused(judgement):
        if force:
            return {}, ()
        raise FolderNotGoodError(folder, refused)
    unfit = tuple(finding for finding in errors(judgement) if finding.code in (Code.REQUEST_UNMET, Code.HOST_UNKNOWN))
    return ({} if unfit else found), unfit


def _refused(judgement: Judgement) -> list[Finding]:
    is_torn = any(finding.code is Code.SET_TORN for finding in judgement.opening)
    let_go = _OF_THE_FILES | OF_THE_REQUEST | (_OF_A_TORN_SET if is_torn else frozenset())
    return [finding for finding in errors(judgement) if finding.code not in let_go]


def refuse_bad(folders: Iterable[Path], builds: Catalog, *, let_go: frozenset[Code] = frozenset()) -> None:
    """Judge the folders that hold files of ours; others' files are not judged. `let_go` are faults that don't matter.

    Raises: FolderNotGoodError for the first one that is not good.
    """
    for folder in folders:
        found = read_folder(folder)
        if not any(text is not None and split(text)[0] is not None for text in found.values()):
            continue
        if bad := [finding for finding in errors(judge_files(found, builds)) if finding.code not in let_go]:
            raise FolderNotGoodError(folder.as_posix(), bad)


def errors(judgement: Judgement) -> list[Finding]:
    """The findings that make a folder not good."""
    return [finding for finding in (*judgement.opening, *judgement.content) if finding.level is Level.ERROR]


# Files that anybody made may be edited, alone or for another GPU: `envgen audit` judges them all the same.
_FOR_AUDIT = _OF_THE_FILES | OF_THE_REQUEST | {Code.FILE_UNREADABLE, Code.RELEASE_NEWER}


def refuse_for_audit(files: Iterable[Path], builds: Catalog) -> None:
    """Judge the folders of files of ours among those that are audited.

    Raises: AuditNotGoodError for the first one that is not good.
    """
    try:
        refuse_bad(dict.fromkeys(path.parent for path in files), builds, let_go=_FOR_AUDIT)
    except FolderNotGoodError as error:
        raise AuditNotGoodError(error.folder, error.findings) from error
