"""Which packages a plan moves: name, old and new version, for each set and platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.files.formats.explicit import packages_in
from envgen.files.registry import EXPLICIT, REQUIREMENTS, our_file
from envgen.output.plan import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """One package that moves; `old` is empty when it comes, `new` when it goes. `why` is a phrase for people."""

    name: str
    old: str
    new: str
    why: str = ""

    def __str__(self) -> str:
        if not self.old:
            return f"{self.name} {self.new} (new)"
        return f"{self.name} {self.old} -> {self.new}" if self.new else f"{self.name} {self.old} (gone)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChange:
    """What moves in one lock. `before` and `after` count its packages; 0 when there is no such lock."""

    file: str
    package_set: PackageSet
    before: int
    after: int
    moved: tuple[PackageChange, ...]


def package_changes(changes: Sequence[Change]) -> Iterator[SetChange]:
    """What moves in each lock that is written, changed or removed; nothing for a lock that holds the same packages."""
    for change in changes:
        file = our_file(change.name)
        if file is None or file.format.set is None or file.format not in (REQUIREMENTS, EXPLICIT):
            continue
        old, new = (_versions(file.format.set, text or "", change.name) for text in (change.old, change.new))
        moved = [
            PackageChange(name=name, old=old.get(name, ""), new=new.get(name, ""))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
        if moved:
            counts = {"before": len(old), "after": len(new)}
            yield SetChange(file=change.name, package_set=file.format.set, moved=tuple(moved), **counts)


def _versions(package_set: PackageSet, text: str, name: str) -> Mapping[str, str]:
    """Name -> version; for conda the build string goes with it, for another build may hold another CUDA."""
    if package_set is PackageSet.PIP:
        return {package: version for package, (version, _) in REQUIREMENTS.read(text, name).pins.items()}
    return {package: f"{version} {build}" for package, (version, build) in packages_in(text).items()}
