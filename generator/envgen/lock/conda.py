"""How the conda set is read from a folder, judged against a request, and solved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from typing import ClassVar

from envgen.core.builds import BuildKey
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.requirements import normalise_project
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.wheel_names import glibc_key
from envgen.files.formats.explicit import packages_in
from envgen.files.formats.virtual_packages import glibc_of
from envgen.files.reading import split
from envgen.files.registry import EXPLICIT, VIRTUAL_PACKAGES, set_of, whole_set
from envgen.lock.locked import LockedSet, Origin
from envgen.lock.options import Sources, asked_before
from envgen.lock.together.beside import candidates
from envgen.resolve import resolve
from envgen.resolve.shipped import pairing_if_it_runs
from envgen.solve.conda.channels import all_channels
from envgen.solve.conda.source import CHANNEL_SITE, mirror_site, mirrored
from envgen.solve.conda.specs import name_of
from envgen.solve.errors import CudaClashError, SolveFailedError
from envgen.solve.extras import Extras, LeftOut


@dataclass(frozen=True, slots=True)
class CondaLocker:
    """The conda set of one request."""

    package_set: ClassVar[PackageSet] = PackageSet.CONDA
    request: Request
    sources: Sources

    def kept(self) -> LockedSet | None:
        """The lock in the folder while it answers the request in everything."""
        bodies = self._in_folder()
        pairing = self._pairing(bodies) if bodies else None
        return self._locked(pairing, Origin.KEPT, bodies) if pairing and self._answers(bodies) else None

    def build_in_folder(self) -> Pairing | None:
        """The pairing of the build in the folder while it runs."""
        bodies = self._in_folder()
        return self._pairing(bodies) if bodies else None

    def shipped(self, lock: Shipped, pairing: Pairing) -> LockedSet | None:
        """A shipped lock while it claims no newer glibc than the request's."""
        files = self.sources.shipped.files(lock)
        bodies = {name: split(text)[1] for name, text in files.items() if set_of(name) is PackageSet.CONDA}
        fits = self._fits_glibc(bodies) and pairing.build.is_tegra is _is_tegra(packages_in(bodies[self._explicit()]))
        return self._locked(pairing, Origin.SHIPPED, bodies) if fits else None

    def source(self, pairing: Pairing) -> str:
        """The canonical URL of the channel that pytorch comes from."""
        return f"{CHANNEL_SITE}/{pairing.build.conda.channels[0]}"

    def solve(self, pairing: Pairing, *, timeout_s: float) -> LockedSet:
        """A new lock, without the companions and extra packages that the channels don't have."""
        outcome = self.solve_first([pairing], timeout_s=timeout_s)[pairing.build.key]
        if not isinstance(outcome, LockedSet):
            raise outcome or AssertionError(pairing.build.key)
        return outcome

    def solve_first(
        self, pairings: Iterable[Pairing], *, timeout_s: float
    ) -> dict[BuildKey, LockedSet | SolveFailedError | None]:
        """What came of all the pairings up to the one that goes best with the extra packages."""
        # Most runs need no solve: what starts one is loaded only here.
        from envgen.files.bodies import load_conda_writers
        from envgen.solve.conda.query import conda_query, extras_query
        from envgen.solve.conda.solve import solve_best

        options, extras = self.sources.options, self.sources.extras
        tried = list(pairings)
        queries = [conda_query(pairing, self.request, extras) for pairing in tried]
        alone = extras_query(tried[0], self.request, extras)
        preferred = () if options.upgrade else self._files_in_folder()
        solve = partial(
            solve_best,
            queries,
            alone,
            mirror=options.mirrors.conda,
            timeout_s=timeout_s,
            progress=options.progress,
            preferred=preferred,
            meanwhile=load_conda_writers,
        )
        found = options.ask(("conda", repr(queries), repr(alone), repr(preferred), repr(options.mirrors)), solve)
        keys = [pairing.build.key for pairing in tried]
        outcomes: dict[BuildKey, LockedSet | SolveFailedError | None] = dict(zip(keys, found.failures, strict=False))
        if found.lock is not None:
            chosen = tried[len(found.failures)]
            left_out = self._left_out(chosen, (*found.left_out, *self._named_otherwise()))
            lock = mirrored(found.lock, options.mirrors.conda) if options.mirrors.written else found.lock
            outcomes[chosen.build.key] = LockedSet(
                pairing=chosen,
                origin=Origin.SOLVED,
                lock=lock,
                missing=found.missing,
                left_out=left_out,
                held_back_by=found.held_back_by,
            )
        return outcomes

    def check_extras(self, pairing: Pairing, *, timeout_s: float) -> None:
        """Raise SolveFailedError when the extra packages have no solution without pytorch either."""
        from envgen.solve.conda.query import extras_query
        from envgen.solve.conda.solve import solve_conda

        query = extras_query(pairing, self.request, self.sources.extras)
        solve_conda(query, mirror=self.sources.options.mirrors.conda, timeout_s=timeout_s)

    def release_for_extras(self, pairing: Pairing) -> tuple[str, tuple[str, ...]]:
        """Nothing: rattler is asked for each build by itself."""
        del pairing
        return "", ()

    def explained(self, found: LockedSet) -> LockedSet:
        """The same: rattler says nothing of its way."""
        return found

    def way_out(self, pairing: Pairing, failure: SolveFailedError) -> str:
        """The Python that has builds of everything, found by a lock with it, or an empty text."""
        del pairing
        if not any("python" in line for line in failure.explanation[1:-1]):
            return ""
        rows = self.sources.builds.builds(self.package_set, self.request.subdir)
        known = {python for build in rows for python in build.pythons} - {self.request.python}
        for python in sorted(known, key=release_key, reverse=True):
            request = replace(self.request, python=python)
            found = candidates(None, resolve(self.sources.builds, request), self.package_set, self.sources)
            pairings, left = list(found), self.sources.options.deadline.left()
            if not pairings or left <= 0:
                continue
            with suppress(EnvgenError):
                outcomes = CondaLocker(request, self.sources).solve_first(pairings, timeout_s=left)
                if any(isinstance(outcome, LockedSet) for outcome in outcomes.values()):
                    return f"--python {python} has builds of everything"
        return ""

    def older(self, clash: CudaClashError) -> Extras | None:
        """Nothing: conda's packages say which CUDA they load."""
        del clash
        return None

    def way_out_of_clash(self, clash: CudaClashError) -> str:
        """Nothing: as `older`."""
        del clash
        return ""

    def asking_for(self, extras: Extras) -> CondaLocker:
        """The same with other extra packages."""
        return replace(self, sources=replace(self.sources, extras=extras))

    def _in_folder(self) -> Mapping[str, str]:
        """File name -> body of the conda files of the folder while all of them are there and untouched, else none."""
        folder = self.sources.folder
        names = whole_set(PackageSet.CONDA, self.request.subdir, folder.keys())
        return {name: split(folder[name])[1] for name in sorted(names)}

    def _files_in_folder(self) -> tuple[str, ...]:
        """The files that the explicit lock of the folder names, as `subdir/file`, when it is for the same Python."""
        text = self._in_folder().get(self._explicit(), "")
        if not packages_in(text).get("python", ("", ""))[0].startswith(f"{self.request.python}."):
            return ()
        return tuple("/".join(url.rsplit("/", 2)[1:]) for url in EXPLICIT.read(text, self._explicit()))

    def _locked(self, pairing: Pairing, origin: Origin, bodies: Mapping[str, str]) -> LockedSet:
        names = packages_in(bodies[self._explicit()])
        companions = (("torchvision",) if self.request.vision else ()) + (("torchaudio",) if self.request.audio else ())
        missing = tuple(name for name in companions if name not in names)
        asked = self.sources.extras.match_specs(self.request.subdir, self.request.python)
        for_both = self.sources.extras.for_both.intersection(map(name_of, asked))
        here = {normalise_project(name) for name in names}
        absent = (name for name in for_both if normalise_project(name) not in here)
        left_out = self._left_out(pairing, (*absent, *self._named_otherwise()))
        return LockedSet(pairing=pairing, origin=origin, bodies=bodies, missing=missing, left_out=left_out)

    def _left_out(self, pairing: Pairing, names: Iterable[str]) -> tuple[LeftOut, ...]:
        extras = self.sources.extras
        channels = all_channels(pairing.build.conda.channels, extras.channels)
        return tuple(extras.left_out(names, channels, self.request.subdir, self.request.python))

    def _named_otherwise(self) -> tuple[str, ...]:
        return self.sources.extras.named_otherwise(self.request.subdir, self.request.python)

    def _explicit(self) -> str:
        return EXPLICIT.name(self.request.subdir, many=True)

    def _answers(self, bodies: Mapping[str, str]) -> bool:
        """True when the files were made for what is asked for now: the packages, the glibc, whose URLs."""
        asked = {asked_before(self.sources.folder[name], PackageSet.CONDA) for name in bodies}
        if asked != {self.sources.asks(PackageSet.CONDA)}:
            return False
        mirrors = self.sources.options.mirrors
        site = mirror_site(mirrors.conda) if mirrors.written and mirrors.conda else CHANNEL_SITE
        places = (site, *(channel for channel in self.sources.extras.channels if "://" in channel))
        urls = [line for line in bodies[self._explicit()].splitlines() if line.startswith("http")]
        return all(url.startswith(tuple(f"{place}/" for place in places)) for url in urls) and self._fits_glibc(bodies)

    def _fits_glibc(self, bodies: Mapping[str, str]) -> bool:
        """True when a lock was solved for a glibc that is no newer than the target's."""
        stated = glibc_of(bodies[VIRTUAL_PACKAGES.one], self.request.subdir.value)
        is_older = bool(stated) and glibc_key(stated) <= glibc_key(self.request.glibc)
        return not self.request.subdir.is_linux or is_older

    def _pairing(self, bodies: Mapping[str, str]) -> Pairing | None:
        """The pairing of the build that conda files hold while it runs for the request."""
        names = packages_in(bodies[self._explicit()])
        if not {"pytorch", "python"} <= names.keys() or not names["python"][0].startswith(f"{self.request.python}."):
            return None
        version, build_string = names["pytorch"]
        builds = self.sources.builds.builds(PackageSet.CONDA, self.request.subdir, cpu=self.request.is_cpu)
        for build in reversed(builds):
            is_same = build.torch == version and build.is_tegra is _is_tegra(names)
            if is_same and fnmatchcase(build_string, build.conda.glob_for(self.request.python)):
                pairing = pairing_if_it_runs(build, self.request, self.sources.builds)
                if pairing is not None:
                    return pairing
        return None


def _is_tegra(packages: Mapping[str, tuple[str, str]]) -> bool:
    """True for a lock with conda-forge's build for a Jetson: build strings don't tell it from that for Arm servers."""
    return "tegra" in packages.get("arm-variant", ("", ""))[1]
