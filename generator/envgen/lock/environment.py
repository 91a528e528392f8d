"""Both sets of one request, each obtained by itself: one that can't be had costs only itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.request import Request
from envgen.core.requirements import normalise_project
from envgen.core.resolution import Notice, Pairing, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import NOT_ASKED
from envgen.lock.locked import LockedSet
from envgen.lock.obtain import obtain
from envgen.lock.options import Sources
from envgen.lock.pip import PipLocker
from envgen.lock.together.set_locker import SetLocker
from envgen.net.errors import UnreachableError
from envgen.request.companions import for_companions
from envgen.resolve import resolve
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.notices import notices
from envgen.solve.conda.specs import name_of
from envgen.solve.errors import SolveFailedError

# What the catalog says of the GPU, whatever is locked.
_OF_THE_DECISION = ("no-conda-pairing", "no-pip-pairing", "last-build-for-gpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What was obtained for one request: for each wanted set its lock, or why it can't be had.

    `codes` say for each set that is not locked why, as the files record it. `kept` are the locks in the folder of sets
    that could not be made anew, which answer the request: their files stay as they are. `in_folder` are the pairings of
    the builds that the folder holds for the sets that can't be had, while they run.
    """

    resolution: Resolution
    locked: Mapping[PackageSet, LockedSet]
    failures: Mapping[PackageSet, EnvgenError] = field(default_factory=dict)
    codes: Mapping[PackageSet, str] = field(default_factory=dict)
    kept: Mapping[PackageSet, LockedSet] = field(default_factory=dict)
    in_folder: Mapping[PackageSet, Pairing] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    @property
    def request(self) -> Request:
        """The request that it is for."""
        return self.resolution.request

    @property
    def here(self) -> Mapping[PackageSet, LockedSet]:
        """The locks that the folder holds after the run: those of the run, and those that stay."""
        every = {**self.kept, **self.locked}
        return {package_set: every[package_set] for package_set in PackageSet if package_set in every}

    def pairings(self, package_set: PackageSet) -> tuple[Pairing, ...]:
        """What an environment that is made from the files of a set may hold."""
        found = self.here.get(package_set)
        pairing = found.pairing if found is not None else self.in_folder.get(package_set)
        return (pairing,) if pairing is not None else ()

    def newer(self, package_set: PackageSet) -> str:
        """The build that was decided on when another one is locked, or an empty string."""
        found, decided = self.locked.get(package_set), self.resolution.pairing(package_set)
        if found is None or decided is None or decided.build.short_label == found.label:
            return ""
        return decided.build.short_label


def obtain_environment(
    request: Request,
    sources: Sources,
    *,
    many: bool,
    wanted: Sequence[PackageSet] = tuple(PackageSet),
    asked: Sequence[PackageSet] = tuple(PackageSet),
) -> Environment:
    """Decide, and lock the wanted sets of those that are asked for: one that could not be had before may be left out.

    Raises: UsageError for a request that no solver can be asked.
    """
    request = for_companions(request, sources.extras.pip, sources.builds) if sources.extras.pip else request
    resolution = resolve(sources.builds, request)
    locked, failures, kept, in_folder = {}, {}, {}, {}
    for package_set in wanted:
        locker = locker_of(package_set, request, sources, many=many)
        try:
            locked[package_set] = obtain(locker, resolution, sources)
        except EnvgenError as error:
            if error.exit_code < _FIRST_OF_A_SET:
                raise
            failures[package_set] = error
            if (lock := locker.kept()) is not None:
                kept[package_set] = lock
            if (pairing := locker.build_in_folder()) is not None:
                in_folder[package_set] = pairing
    for failure in failures.values():
        if isinstance(failure, SolveFailedError) and failure.locks_without:
            failure.locked_in = _where_locked(failure.locks_without, locked, sources)
    codes = {s: _code(s, failures.get(s), request, sources) for s in PackageSet if s not in {*locked, *kept}}
    found = Environment(
        resolution=resolution, locked=locked, failures=failures, codes=codes, kept=kept, in_folder=in_folder
    )
    # By what the files record, so that a run which leaves a set out says the same as the one that did not get it.
    failed = {package_set: code for package_set, code in codes.items() if package_set in asked and code != NOT_ASKED}
    together = replace(found, locked=found.here)
    return replace(found, notices=tuple(notices_of(together, sources.builds, asked, failed)))


def _where_locked(extra: str, locked: Mapping[PackageSet, LockedSet], sources: Sources) -> PackageSet | None:
    """The set that has a package which was asked for in both, or None."""
    name = name_of(extra)
    if name not in sources.extras.for_both:
        return None
    locks = {s: one.pip_lock if s is PackageSet.PIP else one.conda_lock for s, one in locked.items()}
    holding = (
        s
        for s, lock in locks.items()
        if any(normalise_project(p.name) == normalise_project(name) for p in lock.packages)
    )
    return next(holding, None)


def _code(package_set: PackageSet, error: EnvgenError | None, request: Request, sources: Sources) -> str:
    """Why a set is not locked, as it was recorded before where nothing new was learned."""
    if error is not None and not isinstance(error, UnreachableError):
        return error.code
    before = sources.code_before(package_set, request.subdir)
    return before or (error.code if error is not None else NOT_ASKED)


# Exit statuses below it are about the command line.
_FIRST_OF_A_SET = 3


def locker_of(package_set: PackageSet, request: Request, sources: Sources, *, many: bool = False) -> SetLocker:
    """How the locks of a set are read, judged and solved."""
    if package_set is PackageSet.PIP:
        return PipLocker(request, sources, many)
    from envgen.lock.conda import CondaLocker

    return CondaLocker(request, sources)


def notices_of(
    found: Environment, builds: Catalog, wanted: Sequence[PackageSet], failed: Mapping[PackageSet, str]
) -> Iterator[Notice]:
    """The notices of what is locked, those of the decision that hold for both, and what is locked instead of it.

    `failed` are the wanted sets that could not be had, with the code of each.

    The text is the same whether a lock is new, shipped or kept: the same pins give the same bytes.
    """
    resolution, request = found.resolution, found.request
    evaluation = Evaluation.of(request, builds)
    pip, conda = found.locked.get(PackageSet.PIP), found.locked.get(PackageSet.CONDA)
    locked = notices(evaluation, pip.pairing if pip else None, conda.pairing if conda else None)
    yield from (notice for notice in locked if notice.code not in _OF_THE_DECISION)
    if len(wanted) == len(PackageSet) or wanted == (PackageSet.PIP,):
        skipped = "" if len(wanted) > 1 else "no-conda-pairing"
        yield from (n for n in resolution.notices if n.code in _OF_THE_DECISION and n.code != skipped)
    for package_set, one in found.locked.items():
        if newer := found.newer(package_set):
            text = f"{package_set} is locked at {one.label}; by the catalog {newer} is newer and runs too: "
            text += "--upgrade asks the index or channel for it"
            yield Notice(code="fallback-lock", text=text, package_set=package_set)
    if conda is not None and conda.missing:
        build, channel = conda.pairing.build, conda.pairing.build.conda.channels[0]
        text = f"{' and '.join(conda.missing)} is not in the conda files: {channel} had no build of it for "
        text += f"pytorch {build.made_for} and Python {request.python} when it was solved"
        yield Notice(code="conda-without-companion", text=text, package_set=PackageSet.CONDA)
    for package_set, code in failed.items():
        if code != "no-pairing":
            text = f"the {package_set} files are not written: no lock for them is shipped, and none could be made"
            yield Notice(code="set-not-locked", text=text, package_set=package_set)
