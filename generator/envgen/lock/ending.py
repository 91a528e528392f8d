"""What becomes of the sets that could not be had: which files stay as they are, and how the run ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.reading import record_of
from envgen.files.registry import our_file, set_of
from envgen.lock.environment import Environment
from envgen.lock.errors import FilesUnansweredError
from envgen.net.errors import UnreachableError
from envgen.resolve.errors import NoBuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is written of some environments, the files that are not touched, and the error to end with, if any."""

    environments: tuple[Environment, ...]
    untouched: frozenset[str]
    error: EnvgenError | None


def ending(
    environments: Sequence[Environment],
    folder: Mapping[str, str],
    *,
    required: Collection[Subdir],
    may_fall_back: bool,
) -> Ending:
    """Judge what was obtained for a folder that holds these files of ours.

    `required` are the platforms for which one set alone was asked for.

    A set that can't be had costs only itself. Its files here, made for another request, stay as they are, and the run
    ends with an error. So it does for wrong bytes, for a required set, for a platform that gets neither set, and for a
    source that doesn't answer when falling back is not allowed.

    Raises: the worst failure when nothing could be had, or a required set could not.
    """
    failures = [(one, package_set, error) for one in environments for package_set, error in one.failures.items()]
    is_required = any(one.request.subdir in required for one, _, _ in failures)
    if failures and (is_required or not any(one.locked for one in environments)):
        raise _worst_of_all(failures)
    untouched: set[str] = set()
    errors: list[EnvgenError] = []
    for one, package_set, error in failures:
        names = _files_of(package_set, one, folder)
        untouched |= names
        errors += _errors(package_set, error, names, may_fall_back=may_fall_back)
    empty = (one for one in environments if one.failures and not one.locked)
    errors += [_worst_of_all([(one, *failure) for failure in one.failures.items()]) for one in empty]
    # conda-lock.yml is one file for all platforms: it can't be new for some of them and stay for others.
    is_held = any(set_of(name) is PackageSet.CONDA for name in untouched)
    kept = [_without_conda(one) if is_held else one for one in environments]
    if is_held:
        untouched |= {name for name in folder if set_of(name) is PackageSet.CONDA}
    worst = max(errors, key=lambda error: error.exit_code, default=None)
    return Ending(environments=tuple(kept), untouched=frozenset(untouched), error=worst)


def recorded_sets(folder: Mapping[str, str]) -> tuple[PackageSet, ...]:
    """The sets that the untouched files of a folder are of, or record as locked; all for a folder that holds none."""
    records = [record for text in folder.values() if (record := record_of(text)) is not None]
    found = {set_of(name) for name in folder} | {s for r in records for s in PackageSet if r.locked(s)}
    return tuple(one for one in PackageSet if one in found) or tuple(PackageSet)


def _errors(
    package_set: PackageSet, error: EnvgenError, names: Collection[str], *, may_fall_back: bool
) -> Iterator[EnvgenError]:
    is_no_answer = isinstance(error, UnreachableError)
    if names and may_fall_back and (is_no_answer or error.exit_code != _FAILED):
        yield FilesUnansweredError(package_set=package_set, names=tuple(sorted(names)), cause=error)
    elif (names and not may_fall_back) or (error.exit_code == _FAILED and not (is_no_answer and may_fall_back)):
        yield error


_FAILED = 5


def _worst_of_all(failures: Sequence[tuple[Environment, PackageSet, EnvgenError]]) -> EnvgenError:
    errors = [error for _, _, error in failures]
    if all(isinstance(error, NoBuildError) for error in errors):
        one = failures[0][0]
        return NoBuildError(one.resolution) if len(one.failures) > 1 else errors[0]
    return max((error for error in errors if not isinstance(error, NoBuildError)), key=lambda error: error.exit_code)


def _files_of(package_set: PackageSet, one: Environment, folder: Mapping[str, str]) -> set[str]:
    """The files of a set for the platform of a request, and those that it shares there with other platforms."""
    subdir = one.request.subdir
    files = (file for name in folder if (file := our_file(name)) is not None and file.format.set is package_set)
    shared = (f.name for f in files if f.subdir in (None, subdir))
    return {name for name in shared if not _leaves_out(folder[name], package_set, subdir)}


def _leaves_out(text: str, package_set: PackageSet, subdir: Subdir) -> bool:
    """Whether a file records that its set could not be had for this platform before."""
    record = record_of(text)
    states = [one.sets.get(package_set, "") for one in record.platforms if one.subdir is subdir] if record else []
    return bool(states) and all(states)


def _without_conda(one: Environment) -> Environment:
    return replace(one, locked={s: found for s, found in one.locked.items() if s != PackageSet.CONDA})
