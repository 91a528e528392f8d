"""Whether what a request asks for beside torch is locked: each package, within its bounds, in the words of its set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envgen.core.locks import CondaLock, PipLock
from envgen.core.requirements import normalise_project
from envgen.core.sets import PackageSet
from envgen.facts.wheels import TorchPins
from envgen.files.formats.environment_yml import pinned_spec
from envgen.files.header import Header
from envgen.files.registry import set_of
from envgen.records.request import RequestRecord
from envgen.solve.conda.specs import name_of, renamed
from envgen.solve.extras import Extras, read_extras
from envgen.solve.pip.query import FAMILY
from envgen.verify.findings import Code, Finding
from envgen.verify.needs import asked_names, asked_of
from envgen.verify.pip_requires import unmet

_BOUND = "-c "


def extras_of(record: RequestRecord) -> Extras:
    """What `--with` and the files ask for; lines of torch's own family count as `--torch`, `--cuda` and `--audio`.

    Raises: UsageError for what no option can ask for.
    """
    lines = (line for lines in record.inputs.values() for line in lines if not line.startswith(_BOUND))
    texts = (line for line in lines if normalise_project(name_of(line)) not in FAMILY)
    return read_extras((*record.with_texts(), *texts), (), record.channels)


def check_pip_asked(lock: PipLock, record: RequestRecord, file: str) -> Iterator[Finding]:
    """Packages of the request that are not locked, or not within what it says of their versions."""
    yield from unmet({"the request": asked_of(record, PackageSet.PIP)}, lock, file)
    bounds = (
        line.removeprefix(_BOUND) for lines in record.inputs.values() for line in lines if line.startswith(_BOUND)
    )
    for finding in unmet({"the request": tuple(bounds)}, lock, file):
        if finding.code is Code.DEPENDENCY_VERSION:
            yield finding


def check_reasons(lock: PipLock, tag: str, record: RequestRecord, file: str) -> Iterator[Finding]:
    """Why each package is there, as the files tell people: it follows from the lock and from what is known of pins."""
    requested = {"torch", "torchvision", "torchaudio", *asked_names(record, PackageSet.PIP)}
    pins = TorchPins.load().of(lock.version_of("torch").partition("+")[0], tag, lock.subdir)
    for package in lock.packages:
        via = sorted(other.name for other in lock.packages if package.name in other.dependencies)
        made = {f"via {', '.join(via)}" if via else "requested", *(("requested",) if package.name in requested else ())}
        sources = {f"; pinned: {pin.source}" for pin in pins if pin.package == package.name}
        reason, mark, pinned = package.reason.partition("; pinned: ")
        if reason not in made or f"{mark}{pinned}" not in {"", *sources}:
            title = f"it says of {package.name} what envgen does not say: {package.reason[:80]}"
            yield Finding(code=Code.NOT_AS_WRITTEN, file=file, title=title)


def conda_specs(lock: CondaLock, record: RequestRecord) -> tuple[list[str], tuple[str, ...]]:
    """What conda was asked for beside pytorch, as the environment file writes it; and what of it is not locked."""
    names = {normalise_project(package.name): package.name for package in lock.packages}
    specs, absent = [], []
    for spec in extras_of(record).match_specs(lock.subdir, record.python):
        name = names.get(normalise_project(name_of(spec)))
        if name is None:
            absent.append(spec)
        else:
            specs.append(pinned_spec(renamed(spec, {name_of(spec): name}), lock))
    return specs, tuple(absent)


def check_conda_asked(
    lock: CondaLock, record: RequestRecord, headers: Mapping[str, Header], file: str
) -> Iterator[Finding]:
    """Packages that conda was asked for and that are not locked, unless a header says that its channels lack them."""
    lines = [line for name, header in headers.items() if set_of(name) is PackageSet.CONDA for line in header.lines]
    for name in map(name_of, conda_specs(lock, record)[1]):
        is_told = any(line.startswith(f"left out: {name}: ") for line in lines)
        if not is_told or name not in extras_of(record).for_both:
            title = f"{name} was asked for, and is not locked"
            yield Finding(code=Code.REQUEST_UNMET, file=file, title=title)
