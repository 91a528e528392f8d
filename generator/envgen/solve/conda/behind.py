"""Why an extra package is not at its newest: another torch, the Python, the glibc, the driver, or something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.solve.conda.channel_data import written_version
from envgen.solve.conda.messages import ChildCandidate, ChildPassed
from envgen.solve.conda.specs import name_of, split_channel

if TYPE_CHECKING:
    from rattler import RepoDataRecord

# The packages that are one release of torch.
_TORCH = ("pytorch", "libtorch", "pytorch-gpu", "pytorch-cpu")
_PYTHONS = tuple(f"3.{minor}" for minor in range(14, 7, -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An extra package: its records that meet the spec, the newest version, the newest one that `installs`.

    `python` (X.Y) and `claims` are what the target has.
    """

    spec: str
    name: str
    records: Sequence[RepoDataRecord]
    newest: str
    installs: str
    python: str
    claims: Mapping[str, str]

    @classmethod
    def of(cls, spec: str, records: Iterable[RepoDataRecord], target: ChildCandidate) -> Asked:
        """An extra package of a target, before it is known what of it installs."""
        from rattler import MatchSpec

        wanted = MatchSpec(split_channel(spec)[1])
        found = [record for record in records if wanted.matches(record)]
        newest = written_version(max(found, key=lambda record: record.version)) if found else ""
        return cls(
            spec=spec,
            name=name_of(spec),
            records=found,
            newest=newest,
            installs=newest,
            python=python_of(target),
            claims=target["virtual_packages"],
        )

    def kept(self, preferred: Iterable[RepoDataRecord]) -> Asked:
        """The same with the version of an earlier lock in the place of the newest, while it meets the spec."""
        versions = {written_version(record) for record in preferred if record.name.normalized == self.name}
        version = next((one for one in sorted(versions) if self.builds(one)), self.newest)
        return replace(self, newest=version, installs=version)

    def is_behind(self, version: str) -> bool:
        """True for a version that is not the newest that installs."""
        return bool(self.installs) and version != self.installs

    def builds(self, version: str) -> list[RepoDataRecord]:
        """The records of a version."""
        return [record for record in self.records if written_version(record) == version]


def needs_another_torch(builds: Iterable[RepoDataRecord], torch: str) -> str:
    """The torch that all of some builds need (`pytorch >=2.9.1,<2.10.0a0`), empty when one goes with `torch`."""
    needs = [next(_unmet(record, _TORCH, torch), "") for record in builds]
    return needs[0] if needs and all(needs) and torch else ""


def passed_over(package: Asked, locked: str, torch: str) -> ChildPassed | None:
    """What is said of a package whose newest version was not taken, or None."""
    if not package.newest or locked == package.newest:
        return None
    by = ""
    if locked != package.installs:
        need = needs_another_torch(package.builds(package.installs), torch)
        by = "torch" if need else ""
        reason, advice = f"it needs {need}" if need else "it does not go with what else is locked", ""
    else:
        reason, advice = _for_the_target(package)
    return {
        "name": package.name,
        "locked": locked,
        "newer": package.installs if locked != package.installs else package.newest,
        "reason": reason,
        "advice": advice,
        "by": by,
    }


def _for_the_target(package: Asked) -> tuple[str, str]:
    """Why the newest version does not install on the target by itself, and the option that frees it."""
    builds = package.builds(package.newest)
    if not any(goes_with_python(record, package.python) for record in builds):
        other = next((p for p in _nearest(package.python) if any(goes_with_python(r, p) for r in builds)), "")
        advice = f"--python {other} frees it" if other else ""
        return f"it has no build for Python {package.python}", advice
    glibc = package.claims.get("__glibc", "")
    needs = [next(_unmet(record, ("__glibc",), glibc), "") for record in builds]
    if glibc and needs and all(needs):
        wanted = needs[0].partition(">=")[2].partition(",")[0]
        return f"it needs glibc {wanted}, the target has {glibc}", f"--glibc {wanted} frees it"
    return "what it needs does not install on the target", ""


def changed(target: ChildCandidate, advice: str) -> ChildCandidate:
    """A target with another Python or glibc, as an advice of `passed_over` names it."""
    option, value = advice.split(" ")[:2]
    if option == "--glibc":
        return {**target, "virtual_packages": {**target["virtual_packages"], "__glibc": value}}
    specs = [f"python={value}" if name_of(spec) == "python" else spec for spec in target["specs"]]
    return {**target, "specs": specs}


def _nearest(python: str) -> list[str]:
    """The other Pythons, the next newer first."""
    minor = int(python.partition(".")[2] or 0)
    away = ((abs(int(other[2:]) - minor), int(other[2:]) < minor, other) for other in _PYTHONS)
    return [other for _, _, other in sorted(away) if other != python]


def python_of(target: ChildCandidate) -> str:
    """The X.Y that a target is asked for, or an empty string."""
    return next((spec.partition("=")[2] for spec in target["specs"] if name_of(spec) == "python"), "")


def goes_with_python(record: RepoDataRecord, python: str) -> bool:
    """True while no dependency of a record refuses a Python X.Y."""
    # Above every patch release, since a bound may be on one (>=3.12.1); 3.12 itself would be below it.
    return next(_unmet(record, ("python",), f"{python}.99"), "") == ""


def _unmet(record: RepoDataRecord, names: Sequence[str], version: str) -> Iterator[str]:
    """The dependencies on packages that a version of theirs does not meet."""
    from rattler import Version, VersionSpec

    for text in map(str, record.depends):
        name, _, rest = text.partition(" ")
        bounds = rest.split(" ")[0]
        if name in names and bounds and version and not VersionSpec(bounds).matches(Version(version)):
            yield text if name not in _TORCH else f"pytorch {bounds}"
