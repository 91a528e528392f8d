"""Asks the channels of a conda lock for exactly its packages, and holds every record against what is locked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from envgen.core.findings import SkippedCheck
from envgen.core.locks import CondaLock, CondaPackage
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.solve.conda.source import CHANNEL_SITE
from envgen.solve.conda.specs import name_of, split_channel
from envgen.solve.errors import SolveFailedError, SolverError
from envgen.verify.findings import Asking, Code, Finding
from envgen.verify.needs import unneeded


def check_on_channels(
    lock: CondaLock, absent: Sequence[str], asking: Asking, file: str, further: Collection[str]
) -> tuple[list[Finding], list[SkippedCheck]]:
    """Ask the channels for exactly these builds: their records, and the solver's word that they go together.

    `absent` is what was asked for and left out: its channels have no package of that name, or it is missed here.
    `further` are the channels that were asked for; any other URL is a mirror's.

    Raises: UsageError when a mirror is neither a URL nor a folder.
    """
    from envgen.solve.conda.query import CondaQuery
    from envgen.solve.conda.solve import solve_conda

    subject = f"{file}: packages of {lock.subdir} and what they need"
    named = {name_of(spec): split_channel(spec)[0] for spec in lock.specs}
    query = CondaQuery(
        subdir=lock.subdir,
        # A lock that names a mirror (--write-mirror) holds URLs; a query names channels, and the mirror beside them.
        channels=tuple(c if c in further else c.rstrip("/").rpartition("/")[2] for c in lock.channels),
        specs=tuple(_exactly(package, named) for package in lock.packages),
        virtual_packages=lock.virtual_packages,
        extras=tuple(absent),
        may_lack=frozenset(map(name_of, absent)),
    )
    try:
        listed = solve_conda(query, mirror=asking.conda, timeout_s=asking.deadline.left())
    except UnreachableError as error:
        reason = f"{error.headline()}: {error.reason}"
        return [], [SkippedCheck(check=subject, reason=reason, unanswered=True, open=True)]
    except SolveFailedError as error:
        said = tuple(line for line in error.explanation if not line.startswith("asked for:"))
        title = "the channel has no such set of packages"
        return [Finding(code=Code.NOT_ON_INDEX, file=file, title=title, evidence=said[:12])], []
    except (SourceDataError, SolverError) as error:
        return [], [SkippedCheck(check=subject, reason=error.headline(), unanswered=True, open=True)]
    return list(_compare(lock, listed, file)), []


def _exactly(package: CondaPackage, named: Mapping[str, str]) -> str:
    """The spec of one build. It has a channel only where the environment file names one: else the first that has it."""
    prefix = f"{channel}::" if (channel := named.get(package.name, "")) else ""
    return f"{prefix}{package.name}=={package.version}={package.build}"


def _compare(lock: CondaLock, listed: CondaLock, file: str) -> Iterator[Finding]:
    there = {package.name: package for package in listed.packages}
    for name in sorted(there.keys() - {package.name for package in lock.packages}):
        title = f"{name} is needed by what is locked, and not locked"
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title, evidence=(there[name].url,))
    for package in lock.packages:
        if package.name in there:
            yield from _compare_package(package, there[package.name], file)
    needs = {package.name: [text.split()[0] for text in package.depends] for package in listed.packages}
    locked = {package.name for package in lock.packages}
    for finding in unneeded(map(name_of, lock.specs), needs, file):
        if finding.title.split()[0] in locked:
            yield finding


def _compare_package(package: CondaPackage, record: CondaPackage, file: str) -> Iterator[Finding]:
    filename = package.url.rpartition("/")[2]
    for kind, here, there in (("sha256", package.sha256, record.sha256), ("md5", package.md5, record.md5)):
        if here != there:
            evidence = (f"locked: {here}", f"channel: {there or '(none)'}")
            yield Finding(code=Code.HASH_MISMATCH, file=file, title=f"{kind} of {filename}", evidence=evidence)
    place = record.url.removeprefix(CHANNEL_SITE)
    if package.url != record.url and (package.url.startswith(f"{CHANNEL_SITE}/") or not package.url.endswith(place)):
        title = f"the file of {package.name} is not where its channel keeps it"
        evidence = (f"locked: {package.url[:160]}", f"channel: {record.url}")
        yield Finding(code=Code.INDEX_WRONG, file=file, title=title, evidence=evidence)
    stated, needed = {text.removesuffix(" *") for text in package.depends}, _needs(record.depends)
    if stated != needed:
        title = f"{package.name} needs something else than is stated"
        evidence = (f"stated: {_shown(stated - needed)}", f"channel: {_shown(needed - stated)}")
        yield Finding(code=Code.DEPENDENCY_VERSION, file=file, title=title, evidence=evidence)


def _needs(depends: Sequence[str]) -> set[str]:
    """What a package needs as a conda-lock.yml states it."""
    from envgen.files.formats.conda_lock_v1 import constraints_of

    return {f"{name} {constraint}".strip() for name, constraint in constraints_of(depends).items()}


def _shown(texts: set[str]) -> str:
    return ", ".join(sorted(texts))[:160] or "(nothing more)"
