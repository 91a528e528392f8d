"""The CI matrix of shipped locks: one entry per environment folder, as GitHub, JSON or a person reads it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from envgen.ci.locks import CiLock, read_locks
from envgen.ci.places import as_argument
from envgen.core.builds import Build
from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError, UsageError, quoted
from envgen.core.escape import printable
from envgen.core.gpus import Gpu
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped, parse_shipped
from envgen.facts.catalog import Catalog
from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing
from envgen.resolve.coverage import code_for
from envgen.resolve.shipped import builds_of

Entry = TypeVar("Entry", str, Any)

# docs.github.com, "Running variations of jobs in a workflow": at most 256 jobs per workflow run and matrix (2026-11).
GITHUB_LIMIT = 256

# docs.github.com, "GitHub-hosted runners reference", standard runners for public repositories (2026-11).
HOSTED_RUNNERS = {
    Subdir.LINUX_64: "ubuntu-24.04",
    Subdir.WIN_64: "windows-2025",
    Subdir.LINUX_AARCH64: "ubuntu-24.04-arm",
    Subdir.OSX_ARM64: "macos-15",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRunner:
    """A runner with a GPU, of the user's own or rented: the labels that a job asks for, and which subdir it can run.

    One with a `folder` is that of a target: no other lock runs on it, and that folder's run on no other.
    """

    subdir: Subdir
    labels: tuple[str, ...]
    folder: PurePosixPath | None = None

    def runs(self, lock: CiLock) -> bool:
        """True for a lock that belongs on this runner."""
        return lock.subdir is self.subdir and self.folder in (None, lock.folder)

    @classmethod
    def parse(cls, text: str) -> GpuRunner:
        """Return the runner written as `LABEL`, `LABEL,LABEL` or `SUBDIR=LABEL`; linux-64 when no subdir is named.

        Raises: UsageError for a label that is empty, or that could be more than a label.
        """
        before, equals, after = text.partition("=")
        subdirs = [subdir.value for subdir in CUDA_SUBDIRS]
        named = equals and before in subdirs
        if equals and not named and before.lower().startswith(("linux", "win", "osx", "mac")):
            hint = f"the subdir before = is one of {', '.join(subdirs)}; without one it is linux-64"
            raise UsageError(f"{quoted(before)} is not a subdir that envgen knows (from --gpu-runner)", hint=hint)
        labels = tuple(label.strip() for label in (after if named else text).split(","))
        for label in labels:
            if not _LABEL.fullmatch(label.replace("${{ github.run_id }}", "")):
                fact = "letters, digits and ._/=:- are allowed, and ${{ github.run_id }} inside"
                hint = "--gpu-runner gpu-t4-4-core, or win-64=self-hosted,windows,gpu"
                raise UsageError(f"{quoted(text)} is not a runner label", fact=fact, hint=hint)
        return cls(subdir=Subdir(before) if named else Subdir.LINUX_64, labels=labels)

    @property
    def runs_on(self) -> str | list[str]:
        """The value of `runs-on`."""
        return self.labels[0] if len(self.labels) == 1 else list(self.labels)

    @property
    def slug(self) -> str:
        """A name for artefacts: without the characters that GitHub forbids there."""
        return re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(self.labels).replace("${{ github.run_id }}", "")).strip("-")


_LABEL = re.compile(r"[A-Za-z0-9._/=:-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One shipped lock as CI builds it.

    Paths are relative to `lockfiles/`. `codes` is the catalog's arch list of the build, empty
    when the catalog does not know it.
    """

    shipped: Shipped
    lock: CiLock
    files: tuple[str, ...]
    expected: SmokeExpectation
    codes: tuple[ArchCode, ...]

    @property
    def id(self) -> str:
        """A name for jobs and artefacts, such as `linux-64-py3.12-pip-torch-2.14.1-cu126`."""
        return "-".join(self.shipped.folder.parts)

    def entry(self, runner: GpuRunner | None = None, *, prefix: str = "lockfiles") -> dict[str, Any]:
        """The matrix entry of this environment, on a hosted runner or on one with a GPU."""
        hosted, is_pip = HOSTED_RUNNERS[self.shipped.subdir], self.shipped.package_set is PackageSet.PIP
        return {
            "id": self.id if runner is None else f"{self.id}-on-{runner.slug}",
            "kind": self.shipped.package_set.value,
            "subdir": self.shipped.subdir.value,
            "python": self.shipped.python,
            "release": self.shipped.torch,
            "tag": self.shipped.cuda_tag if is_pip else f"cuda{_digits(self.shipped)}",
            "runner": hosted if runner is None else runner.runs_on,
            "path": as_argument(PurePosixPath(prefix) / self.shipped.folder),
            "lock": as_argument(PurePosixPath(prefix) / self.lock.lock),
            "files": list(self.files),
            "expect": self.expected.as_json(),
        }


class MatrixTooLargeError(DataError):
    """GitHub refuses a matrix of more than 256 jobs."""

    code = "matrix-too-large"
    exit_code = 2

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} environments are more than one GitHub matrix can hold", f"the limit is {GITHUB_LIMIT} jobs"
        )
        self.count = count

    def hint(self) -> str:
        shards = -(-self.count // GITHUB_LIMIT)
        return f"narrow it with --set, --platform or --changed-since, or split it: --shard 1/{shards}"


def find_environments(root: Path, catalog: Catalog) -> tuple[Environment, ...]:
    """Return every complete environment folder below `lockfiles/`, sorted: subdir, Python, kind, release, CUDA.

    Raises: LockIncompleteError.
    """
    found = []
    for folder in root.glob("*/py*/*"):
        shipped = parse_shipped(PurePosixPath(folder.relative_to(root).as_posix()))
        lock = next(read_locks(root, shipped.folder), None) if shipped is not None else None
        if shipped is not None and lock is not None:
            files = tuple(sorted(path.name for path in folder.iterdir() if path.is_file()))
            found.append(_environment(shipped, lock, files, catalog))
    return tuple(sorted(found, key=_order))


def _environment(shipped: Shipped, lock: CiLock, files: tuple[str, ...], catalog: Catalog) -> Environment:
    pairing = SmokePairing(
        source=shipped.package_set.value,
        torch=shipped.torch,
        cuda=cuda_of_tag(shipped.cuda_tag),
        torchvision=lock.torchvision,
    )
    codes = _codes(shipped, lock, catalog)
    # The catalog's arch list as GPUs to cover: CI thereby proves the catalog on the real build.
    gpus = tuple(SmokeGpu(name=str(code), capability=str(code.capability)) for code in codes if not code.suffix)
    expected = SmokeExpectation(pairings=(pairing,), gpus=gpus)
    return Environment(shipped=shipped, lock=lock, files=files, expected=expected, codes=codes)


def _codes(shipped: Shipped, lock: CiLock, catalog: Catalog) -> tuple[ArchCode, ...]:
    """The arch list of the catalog's row for a lock; what several rows (build numbers of conda's) have in common.

    The folder's name does not tell the legacy channel from conda-forge, nor a Jetson's build from a server's.
    """
    rows = [set(build.codes) for build in builds_of(shipped, catalog) if _fits(build, lock)]
    return tuple(sorted(set.intersection(*rows))) if rows else ()


def _fits(build: Build, lock: CiLock) -> bool:
    if build.package_set is PackageSet.PIP:
        return True
    for_tegra = any(pin.startswith("arm-variant") for pin in build.conda.pins)
    return build.conda.channels[0] == lock.channel and for_tegra is lock.is_tegra


def _order(environment: Environment) -> tuple[Any, ...]:
    shipped = environment.shipped
    release, python = release_key(shipped.torch), release_key(shipped.python)
    return (shipped.subdir.value, python, shipped.package_set.value, release, int(_digits(shipped)))


def _digits(shipped: Shipped) -> str:
    return shipped.cuda_tag.removeprefix("cu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which environments to keep; an empty value keeps all.

    `changed` are paths relative to `lockfiles/`, None for no filter. `capabilities` are GPUs that the build must have
    code for. `shard` is (K, N): the Kth of N parts of about equal size and mixture.
    """

    sets: tuple[PackageSet, ...] = ()
    subdirs: tuple[Subdir, ...] = ()
    changed: tuple[str, ...] | None = None
    capabilities: tuple[ComputeCapability, ...] = ()
    shard: tuple[int, int] = (1, 1)


def select(environments: Iterable[Environment], selection: Selection) -> list[Environment]:
    """Return the environments that a selection keeps, in their order."""
    changed = None if selection.changed is None else {_folder(path) for path in selection.changed}
    kept = [
        environment
        for environment in environments
        if (not selection.sets or environment.shipped.package_set in selection.sets)
        and (not selection.subdirs or environment.shipped.subdir in selection.subdirs)
        and (changed is None or environment.shipped.folder in changed)
        and _runs_on_all(environment, selection.capabilities)
    ]
    number, parts = selection.shard
    return kept[number - 1 :: parts]


def _folder(path: str) -> PurePosixPath:
    """The environment folder of a changed file."""
    return PurePosixPath(*PurePosixPath(path).parts[:3])


def _runs_on_all(environment: Environment, capabilities: Sequence[ComputeCapability]) -> bool:
    cuda = cuda_of_tag(environment.shipped.cuda_tag)
    gpus = (Gpu(name=str(capability), capability=capability, architecture="") for capability in capabilities)
    return all(code_for(environment.codes, gpu, cuda) is not None for gpu in gpus)


def matrix_entries(
    environments: Sequence[Environment], runners: Sequence[GpuRunner], prefix: str
) -> list[dict[str, Any]]:
    """Return the matrix entries: on hosted runners, or, when GPU runners are named, on each that fits the subdir."""
    if not runners:
        return [environment.entry(prefix=prefix) for environment in environments]
    return with_unique_ids(
        environment.entry(runner, prefix=prefix)
        for environment in environments
        for runner in dict.fromkeys(runners)
        if runner.subdir is environment.shipped.subdir
    )


def with_unique_ids(entries: Iterable[dict[str, Entry]]) -> list[dict[str, Entry]]:
    """Return the entries with a number behind an `id` that is taken: jobs and artefacts are named by it."""
    found: list[dict[str, Entry]] = []
    taken: set[object] = set()
    for entry in entries:
        numbered = (entry["id"] if number == 1 else f"{entry['id']}-{number}" for number in itertools.count(1))
        name = next(name for name in numbered if name not in taken)
        taken.add(name)
        found.append({**entry, "id": name})
    return found


def target_entries(
    locks: Sequence[CiLock],
    names: Mapping[PurePosixPath, str],
    runners: Sequence[GpuRunner],
    root: Path,
    catalog: Catalog,
) -> list[dict[str, Any]]:
    """Return the entries of a project's targets: each lock on the runner of its target, else on a hosted one.

    `names` maps a folder, relative to `root`, to its target.
    """
    found = []
    for lock in locks:
        own = next((runner for runner in runners if runner.runs(lock)), None)
        entry = {
            "id": f"{names[lock.folder]}-{lock.subdir}-{lock.package_set}",
            "kind": lock.package_set.value,
            "subdir": lock.subdir.value,
            "python": lock.python,
            "release": lock.torch,
            "tag": "cpu" if lock.is_cpu else lock.tag or _tag_on_pypi(lock, catalog),
            "runner": HOSTED_RUNNERS[lock.subdir] if own is None else own.runs_on,
            "path": str(lock.folder),
            "lock": str(lock.lock),
            "files": sorted(path.name for path in (root / lock.folder).iterdir() if path.is_file()),
            "target": names[lock.folder],
        }
        found.append(entry)
    return with_unique_ids(found)


def _tag_on_pypi(lock: CiLock, catalog: Catalog) -> str:
    """The CUDA tag of PyPI's own build, whose version does not say it."""
    rows = catalog.builds(lock.package_set, lock.subdir)
    return next((build.cuda_tag for build in rows if build.torch == lock.torch and build.on_pypi), "")


def github_matrix(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the value of `strategy.matrix`.

    Raises: MatrixTooLargeError when GitHub would refuse it.
    """
    if len(entries) > GITHUB_LIMIT:
        raise MatrixTooLargeError(len(entries))
    return {"include": list(entries)}


def matrix_text(entries: Sequence[dict[str, Any]]) -> str:
    """Return a table for people, a line per entry."""
    rows = [("KIND", "SUBDIR", "PYTHON", "TORCH", "CUDA", "RUNNER", "LOCK")]
    for entry in entries:
        runner = entry["runner"] if isinstance(entry["runner"], str) else ",".join(entry["runner"])
        rows.append(
            (entry["kind"], entry["subdir"], entry["python"], entry["release"], entry["tag"], runner, entry["lock"])
        )
    shown = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    return "\n".join([*lines, f"{len(entries)} environment{'' if len(entries) == 1 else 's'}"]) + "\n"
