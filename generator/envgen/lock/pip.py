"""How the pip set is read from a folder, judged against a request, and solved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import PipLock
from envgen.core.request import Request
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.wheel_names import WheelName, file_name, glibc_key
from envgen.lock.locked import LockedSet, Origin
from envgen.lock.options import Sources, asked_before
from envgen.resolve.errors import NoBuildError
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.solve.errors import CudaClashError, SolveFailedError
from envgen.solve.extras import Extras
from envgen.solve.pip.constraints import check_constraints

if TYPE_CHECKING:
    from envgen.solve.pip.query import PipQuery
    from envgen.solve.pip.together import Together


@dataclass(frozen=True, slots=True)
class PipLocker:
    """The pip set of one request; with `many` platforms its file names carry the subdir."""

    package_set: ClassVar[PackageSet] = PackageSet.PIP
    request: Request
    sources: Sources
    many: bool

    def kept(self) -> LockedSet | None:
        """The lock in the folder while it answers the request in everything."""
        text = self._text()
        lock = self._in_folder()
        if lock is None or not self._asks_for_the_same(text):
            return None
        fitting = _for_glibc(lock, self.request)
        pairing = self._pairing(fitting) if fitting is not None else None
        if fitting is None or pairing is None or not self._holds(fitting, pairing):
            return None
        return LockedSet(pairing=pairing, origin=Origin.KEPT, lock=fitting)

    def build_in_folder(self) -> Pairing | None:
        """The pairing of the build in the folder while it runs."""
        lock = self._in_folder()
        return self._pairing(lock) if lock is not None else None

    def shipped(self, lock: Shipped, pairing: Pairing) -> LockedSet | None:
        """A shipped lock while every wheel of it installs with the request's glibc."""
        from envgen.files.registry import PYLOCK

        name = PYLOCK.name(None, many=False)
        text = self.sources.shipped.files(lock)[name]
        found = _for_glibc(PYLOCK.read(text, f"lockfiles/{lock.folder}/{name}"), self.request)
        return LockedSet(pairing=pairing, origin=Origin.SHIPPED, lock=found) if found is not None else None

    def source(self, pairing: Pairing) -> str:
        """The canonical URL of the index that torch comes from."""
        return pairing.index_url

    def solve(self, pairing: Pairing, *, timeout_s: float) -> LockedSet:
        """A new lock; the versions in the folder are taken again where nothing speaks against them."""
        # Most runs need no solve: the network and the parsers of index pages are loaded only for one.
        from envgen.net.sites import wheel_site
        from envgen.solve.pip.solve import solve_pip

        options, query = self.sources.options, self._query(pairing)
        preferred = None if options.upgrade else self._in_folder()

        def meanwhile() -> None:
            from envgen.files.bodies import load_pip_writers

            load_pip_writers()
            if options.meanwhile is not None:
                options.meanwhile()

        def solve() -> PipLock:
            with wheel_site(options.mirrors.wheels) as mirror:
                return solve_pip(
                    query,
                    preferred=preferred,
                    wheel_mirror=mirror,
                    write_mirror=options.mirrors.written,
                    timeout_s=timeout_s,
                    progress=options.progress,
                    meanwhile=meanwhile,
                )

        lock = options.ask(("pip", repr(query), repr(preferred), repr(options.mirrors)), solve)
        return LockedSet(pairing=pairing, origin=Origin.SOLVED, lock=lock)

    def solve_first(self, pairings: Iterable[Pairing], *, timeout_s: float) -> dict[BuildKey, LockedSet]:
        """What came of the first pairing alone."""
        pairing = next(iter(pairings))
        return {pairing.build.key: self.solve(pairing, timeout_s=timeout_s)}

    def check_extras(self, pairing: Pairing, *, timeout_s: float) -> None:
        """Raise SolveFailedError when the extra packages have no solution without torch either."""
        from envgen.solve.pip.solve import check_extras

        check_extras(self._query(pairing), timeout_s=timeout_s)

    def release_for_extras(self, pairing: Pairing) -> tuple[str, tuple[str, ...]]:
        """The torch release that the extra packages go with at their newest, and who needs it."""
        found = self._together().solve()
        reasons = found.excluding(pairing.build.torch).items()
        return found.torch, tuple(f"{who} needs torch{bounds}" for who, bounds in reasons)

    def explained(self, found: LockedSet) -> LockedSet:
        """The same with the reason of each package that is not at its newest.

        Raises: SolveFailedError when one is too old to be taken without a word.
        """
        if not found.pip_lock.passed_over:
            return found
        from envgen.solve.pip.behind import explained

        lock = found.pip_lock
        options = self.sources.options
        passed = explained(lock, self._together(), spent_s=options.spent_s(), report=options.progress)
        return replace(found, lock=replace(lock, passed_over=passed))

    def way_out(self, pairing: Pairing, failure: SolveFailedError) -> str:
        """The smallest change of the target with which everything can be locked, as was tried, or empty."""
        from envgen.solve.pip.ways.ways_out import way_out

        return way_out(self._together(), pairing.build.torch, failure, self._refusal)

    def _refusal(self, request: Request, extras: Extras, torch: str) -> EnvgenError | None:
        """Why no build of a release of torch, or of any, can be locked for another request, with other packages."""
        from envgen.lock.together.beside import candidates
        from envgen.resolve import resolve

        sources = replace(self.sources, extras=extras)
        resolution = resolve(sources.builds, replace(request, torch=f"=={torch}") if torch else request)
        other = replace(self, request=request, sources=sources)
        refusal: EnvgenError = NoBuildError(resolution, self.package_set)
        for pairing in candidates(None, resolution, self.package_set, sources):
            try:
                other.explained(other.solve(pairing, timeout_s=sources.options.deadline.left()))
            except EnvgenError as error:
                refusal = error
                if isinstance(error, SolveFailedError) and error.is_final:
                    break
            else:
                return None
        return refusal

    def _together(self) -> Together:
        from envgen.solve.pip.together import Together

        sources = self.sources
        return Together(
            request=self.request, catalog=sources.builds, extras=sources.extras, deadline=sources.options.deadline
        )

    def older(self, clash: CudaClashError) -> Extras | None:
        """What is asked for with the newest release of a package that loads the CUDA of the build, or None."""
        if clash.is_of_files:
            return None
        from envgen.solve.pip.older import newest_for_cuda

        release = newest_for_cuda(clash, self._together())
        extras = self.sources.extras
        return replace(extras, constraints=(*extras.constraints, f"{clash.package}<={release}")) if release else None

    def way_out_of_clash(self, clash: CudaClashError) -> str:
        """What can be locked in the place of a package that clashes, or the change that lets it be; as was tried."""
        from envgen.solve.pip.ways.ways_out import way_out_of_clash

        return way_out_of_clash(self._together(), clash, self._refusal)

    def asking_for(self, extras: Extras) -> PipLocker:
        """The same with other extra packages."""
        return replace(self, sources=replace(self.sources, extras=extras))

    def _query(self, pairing: Pairing) -> PipQuery:
        from envgen.solve.pip.built_for import bounds_for
        from envgen.solve.pip.query import pip_query

        extras = self.sources.extras
        query = pip_query(pairing, self.request, extras=extras.pip)
        bounds = extras.constraints_for(self.request.subdir, self.request.python)
        built = bounds_for(pairing.build.torch, self.sources.builds)
        return replace(query, constraints=(*query.constraints, *built, *bounds), sources=extras.sources)

    def _text(self) -> str:
        if not self.sources.folder:
            return ""
        from envgen.files.registry import PYLOCK

        return self.sources.folder.get(PYLOCK.name(self.request.subdir, many=self.many), "")

    def _in_folder(self) -> PipLock | None:
        """The lock in the folder when it is for the request's platform and Python."""
        text = self._text()
        if not text:
            return None
        from envgen.files.errors import LockFormatError
        from envgen.files.registry import PYLOCK

        try:
            lock = PYLOCK.read(text, PYLOCK.one)
        except LockFormatError:
            return None
        return lock if (lock.subdir, lock.python) == (self.request.subdir, self.request.python) else None

    def _asks_for_the_same(self, text: str) -> bool:
        """True when a file was made for the same extra packages and companions as are asked for now.

        The packages alone don't tell: an extra of one (`fsspec[http]`) adds others, a marker may leave it out, and what
        came along for a package that is no longer asked for would stay.
        """
        return asked_before(text, PackageSet.PIP) == self.sources.asks(PackageSet.PIP)

    def _pairing(self, lock: PipLock) -> Pairing | None:
        """The pairing of the build that a lock holds while it runs for the request."""
        release, _, tag = lock.version_of("torch").partition("+")
        rows = self.sources.builds.builds(PackageSet.PIP, self.request.subdir, cpu=self.request.is_cpu)
        build = next((b for b in rows if b.torch == release and (b.cuda_tag == tag if tag else b.on_pypi)), None)
        return pairing_if_it_runs(build, self.request, self.sources.builds) if build is not None else None

    def _holds(self, lock: PipLock, pairing: Pairing) -> bool:
        """True when a lock names the wanted index, and holds the companions and bounds of a pairing."""
        torch = next(package for package in lock.packages if package.name == "torch")
        if torch.index != self._index_url(pairing):
            return False
        for name, wanted in (("torchvision", pairing.torchvision), ("torchaudio", pairing.torchaudio)):
            found = lock.version_of(name).partition("+")[0]
            if found != wanted and (wanted or not self.sources.extras.pip):
                return False
        try:
            check_constraints(lock, self._query(pairing).constraints)
        except SolveFailedError:
            return False
        return True

    def _index_url(self, pairing: Pairing) -> str:
        """The index that a lock of this run names for torch: PyPI's own build has no mirror."""
        mirrors = self.sources.options.mirrors
        if not (mirrors.written and mirrors.wheels) or pairing.build.on_pypi:
            return pairing.index_url
        from envgen.net.sites import Site

        return Site.parse(mirrors.wheels).below(pairing.build.cuda_tag).url


def _for_glibc(lock: PipLock, request: Request) -> PipLock | None:
    """The lock while every wheel of it installs with the request's glibc, and says so; else None.

    A lock that was made for a newer glibc may hold wheels that an older one refuses.
    """
    if not request.subdir.is_linux or glibc_key(lock.glibc) <= glibc_key(request.glibc):
        return lock
    wheels = (package for package in lock.packages if not package.is_source)
    names = (WheelName.parse(file_name(package.url)) for package in wheels)
    fits = all(name.fits(python=lock.python, subdir=lock.subdir, glibc=request.glibc) for name in names)
    return replace(lock, glibc=request.glibc) if fits else None
