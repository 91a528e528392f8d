"""What a solve returns: the packages of a lock, with where each file is and its hash."""

from __future__ import annotations

from dataclasses import field

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.resolution import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """One wheel of a pip lock, or a source distribution that was allowed.

    `index` is the index that it is locked from; `size` is in bytes, None when not stated.

    `reason` says why it is there or where its version is stated (`via torch`, `pin: …`); it may be empty.
    `dependencies` are the names of the locked packages that it needs on the lock's platform.
    """

    name: str
    version: str
    index: str
    url: str
    sha256: str
    size: int | None = None
    reason: str = ""
    dependencies: tuple[str, ...] = ()

    @property
    def is_source(self) -> bool:
        """True for a source distribution, which is built where it is installed."""
        return not self.url.endswith(".whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A requested package whose newer release was not taken; `newer` is empty while only an older one was looked at.

    `reason` and `advice`, the option that frees it, are empty until they were looked for. `by` is the package that
    stood against it, where that is known.
    """

    name: str
    locked: str
    newer: str
    reason: str = ""
    advice: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipLock:
    """A complete set of wheels for one subdir and one Python, sorted by name. `glibc` is empty on Windows.

    `passed_over` is what a solve tells of its way, and `notices` what it saw in the wheels; a lock that is read from a
    file has neither.
    """

    subdir: Subdir
    python: str
    glibc: str
    packages: tuple[PipPackage, ...]
    passed_over: tuple[PassedOver, ...] = field(default=(), compare=False)
    notices: tuple[Notice, ...] = field(default=(), compare=False)

    def find(self, name: str) -> PipPackage | None:
        """The locked package of that name, or None."""
        return next((p for p in self.packages if p.name == name), None)

    def version_of(self, name: str) -> str:
        """The locked version of a package, or an empty string."""
        package = self.find(name)
        return package.version if package else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """One conda package of a lock. `depends` holds the record's own depends, `url` is the canonical one."""

    name: str
    version: str
    build: str
    build_number: int
    channel: str
    subdir: str
    url: str
    md5: str
    sha256: str
    depends: tuple[str, ...]
    constrains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLock:
    """A complete conda solution for one subdir, sorted by name.

    `specs` are the match specs it was solved from, `virtual_packages` map `__name` to `version` or `version build`.
    `passed_over` is as in a PipLock.
    """

    subdir: Subdir
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    virtual_packages: dict[str, str]
    packages: tuple[CondaPackage, ...]
    passed_over: tuple[PassedOver, ...] = field(default=(), compare=False)

    def find(self, name: str) -> CondaPackage | None:
        """The locked package of that name, or None."""
        return next((p for p in self.packages if p.name == name), None)
