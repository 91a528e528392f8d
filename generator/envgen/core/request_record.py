"""The request as data: the one line of a header that programs read, and the same as a table in pylock.toml.

It holds no login, mirror, host or path: two people who ask for the same get the same line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Any

from envgen.core.builds import JetPack
from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.errors import DataError, EnvgenError
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.request import CHOICES, Choices, DriverOrigin, Machine, Request, RequestedGpu, choices_of
from envgen.core.sets import PackageSet

VERSION = 1
# Companions and other choices, further packages: what a set is asked for beside torch.
Asks = tuple[tuple[tuple[str, str | bool], ...], frozenset[str]]
# Choices that say which build is wanted; the build in a folder is judged by itself.
_OF_THE_BUILD = frozenset({"python", "torch", "cuda"})
# Choices that version 1 of the line names whatever they are; others are named where they are not the default.
_ALWAYS = ("python", "torch", "cuda", "vision", "audio")


class RecordError(DataError):
    """A request line can't be read."""

    code = "request-line-invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def headline(self) -> str:
        return "the request line of a header can't be read"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)


class RecordNewerError(RecordError):
    """A request line is of a version that this release doesn't know."""

    code = "request-line-newer"

    def hint(self) -> str:
        return "update envgen"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRecord:
    """A GPU of a request; `name` is empty when only a compute capability was asked for."""

    name: str
    capability: ComputeCapability


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRecord:
    """One of several computers: its GPUs, its driver (None: not stated), the release of its JetPack or empty.

    `wsl` is True where Linux is WSL2.
    """

    gpus: tuple[GpuRecord, ...]
    driver: DriverVersion | None
    jetpack: str = ""
    wsl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRecord:
    """What is asked for on one platform, and for each set why it is not there; an empty reason says that it is locked.

    `driver` is None when none was stated. `gpus` are those of this platform. `jetpack` is the release that a Jetson
    runs, else empty. `machines` are filled when there are several. `wsl` is True where Linux is WSL2.
    """

    subdir: Subdir
    gpus: tuple[GpuRecord, ...]
    driver: DriverVersion | None
    driver_origin: DriverOrigin
    glibc: str
    jetpack: str = ""
    machines: tuple[MachineRecord, ...] = ()
    wsl: bool = False
    sets: Mapping[PackageSet, str] = field(default_factory=dict)


class Binding(StrEnum):
    """For which set a further package was asked."""

    BOTH = "both"
    PIP = "pip"
    CONDA = "conda"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord(Choices):
    """A request as the files of its environment state it.

    `packages` are the values of `--with` by the set that they were bound to; `name` is that of conda's environment
    where one was given. Without `index_lines` requirements.txt does not say where packages are. `inputs` maps the name
    of each file of `--requirements` to its lines; `extras` and `groups` are those that were asked for of a
    pyproject.toml, `channels` are further ones of conda, `sources` may be locked as source distributions. `codes`
    and `floor` are set in shipped locks alone, which are for every GPU that runs one of these entries of an arch list,
    with that driver or newer.
    """

    platforms: tuple[PlatformRecord, ...]
    packages: Mapping[Binding, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""
    index_lines: bool = True
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    codes: tuple[ArchCode, ...] = ()
    floor: DriverVersion | None = None

    @classmethod
    def of(
        cls,
        requests: Sequence[Request],
        packages: Iterable[str] = (),
        sets: Mapping[Subdir, Mapping[PackageSet, str]] | None = None,
    ) -> RequestRecord:
        """The record of the requests of one run; `packages` are the values of `--with`, `sets` as in PlatformRecord."""
        first = requests[0]
        return cls(
            platforms=tuple(_platform(request, (sets or {}).get(request.subdir, {})) for request in requests),
            packages=_bound(packages),
            **choices_of(first),
        )

    def asks(self, package_set: PackageSet) -> Asks:
        """What a set is asked for beside torch: while that is the same, its lock may be kept."""
        own = Binding(package_set.value)
        lines = (line for lines in self.inputs.values() for line in lines)
        packages = (*self.packages.get(Binding.BOTH, ()), *self.packages.get(own, ()), *lines)
        beside = {name: value for name, value in choices_of(self).items() if name not in _OF_THE_BUILD}
        if package_set is PackageSet.CONDA:
            beside["channels"] = " ".join(self.channels)
        else:
            beside["sources"] = " ".join(self.sources)
        return tuple(beside.items()), frozenset(packages)

    def with_texts(self) -> tuple[str, ...]:
        """The values of `--with` that ask for the same packages."""
        both = self.packages.get(Binding.BOTH, ())
        bound = (f"{of.value}:{text}" for of in (Binding.PIP, Binding.CONDA) for text in self.packages.get(of, ()))
        return (*both, *bound)

    def without_sets(self) -> RequestRecord:
        """What was asked for, whatever came of it."""
        return replace(self, platforms=tuple(replace(one, sets={}) for one in self.platforms))

    def states(self, package_set: PackageSet) -> tuple[str, ...]:
        """For each platform why the set is not there, empty where it is locked; nothing where that is not stated."""
        return tuple(one.sets[package_set] for one in self.platforms if package_set in one.sets)

    def locked(self, package_set: PackageSet) -> tuple[Subdir, ...]:
        """The platforms that the set is recorded as locked for."""
        return tuple(one.subdir for one in self.platforms if one.sets.get(package_set, "-") == "")

    def requests(
        self, find_gpu: Callable[[GpuRecord], Gpu], find_jetpack: Callable[[str], JetPack | None]
    ) -> tuple[Request, ...]:
        """The requests that the record states, one a platform, with the GPUs and JetPacks that are found for it."""

        def requested(gpus: Sequence[GpuRecord]) -> tuple[RequestedGpu, ...]:
            return tuple(RequestedGpu(input=gpu.name or str(gpu.capability), gpu=find_gpu(gpu)) for gpu in gpus)

        return tuple(
            Request(
                gpus=requested(one.gpus),
                subdir=one.subdir,
                driver=one.driver,
                driver_origin=one.driver_origin,
                glibc=one.glibc,
                jetpack=find_jetpack(one.jetpack),
                machines=tuple(
                    Machine(
                        gpus=requested(each.gpus), driver=each.driver, jetpack=find_jetpack(each.jetpack), wsl=each.wsl
                    )
                    for each in one.machines
                ),
                wsl=one.wsl,
                **choices_of(self),
            )
            for one in self.platforms
        )

    def document(self) -> dict[str, Any]:
        """The record as plain values, in the order in which they are written."""
        gpus = tuple(dict.fromkeys(gpu for one in self.platforms for gpu in one.gpus))
        document: dict[str, Any] = {"v": VERSION, "gpus": [_gpu_document(gpu) for gpu in gpus]}
        if self.codes:
            document |= {"codes": [str(code) for code in self.codes], "floor": str(self.floor or "")}
        document["platforms"] = [_platform_document(one, gpus) for one in self.platforms]
        choices = choices_of(self)
        document |= {name: choices.pop(name) for name in _ALWAYS}
        document["with"] = {of.value: list(self.packages[of]) for of in Binding if self.packages.get(of)}
        document |= {name: value for name, value in choices.items() if value != CHOICES[name]}
        document |= {"name": self.name} if self.name else {}
        document |= {"inputs": {name: list(lines) for name, lines in self.inputs.items()}} if self.inputs else {}
        document |= {"extras": list(self.extras)} if self.extras else {}
        document |= {"groups": list(self.groups)} if self.groups else {}
        document |= {"channels": list(self.channels)} if self.channels else {}
        document |= {"sources": list(self.sources)} if self.sources else {}
        return document | ({} if self.index_lines else {"index_lines": False})

    def to_json(self) -> str:
        """The record as one line of ASCII JSON."""
        return json.dumps(self.document(), separators=(",", ":"))


def from_json(text: str) -> RequestRecord:
    """Return the record that a line of JSON states.

    Raises: RecordNewerError for another version of it, RecordError for anything that `to_json` does not write.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is not JSON: {error}") from error
    record = from_document(document)
    if record.to_json() != text:
        raise RecordError("it is not spelled as envgen spells it")
    return record


def from_document(document: object) -> RequestRecord:
    """Return the record that plain values state.

    Raises: RecordNewerError for another version of it, RecordError for anything that `document` does not return.
    """
    if isinstance(document, dict) and type(document.get("v")) is int and document["v"] > VERSION:
        raise RecordNewerError(f"its version is {document['v']}, this release reads {VERSION}")
    try:
        record = _read(document)
        same = record.document() == document
    except (AttributeError, LookupError, TypeError, ValueError, EnvgenError) as error:
        raise RecordError(f"{type(error).__name__}: {error}") from error
    if not same:
        raise RecordError("it has other keys or values than envgen writes")
    return record


def _read(document: Any) -> RequestRecord:  # noqa: ANN401 -- what a JSON text holds; compared again as a whole
    gpus = tuple(_read_gpu(gpu) for gpu in document["gpus"])
    floor = document.get("floor", "")
    return RequestRecord(
        platforms=tuple(_read_platform(one, gpus) for one in document["platforms"]),
        packages={Binding(of): tuple(map(_text, texts)) for of, texts in document["with"].items()},
        name=_text(document.get("name", "")),
        index_lines=document.get("index_lines", True) is True,
        inputs={_text(name): tuple(map(_text, lines)) for name, lines in document.get("inputs", {}).items()},
        extras=tuple(map(_text, document.get("extras", ()))),
        groups=tuple(map(_text, document.get("groups", ()))),
        channels=tuple(map(_text, document.get("channels", ()))),
        sources=tuple(map(_text, document.get("sources", ()))),
        **{name: _choice(name, document) for name in CHOICES},
        codes=tuple(ArchCode.parse(code) for code in document.get("codes", ())),
        floor=DriverVersion.parse(floor) if floor else None,
    )


def _choice(name: str, document: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- of the type of its field, as checked
    value, default = document[name] if name in _ALWAYS else document.get(name, CHOICES[name]), CHOICES[name]
    if type(value) is not type(default):
        raise TypeError(f"{name} is {value!r}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _read_gpu(document: Mapping[str, Any]) -> GpuRecord:
    return GpuRecord(name=_text(document["name"]), capability=ComputeCapability.parse(document["capability"]))


def _read_platform(document: Mapping[str, Any], gpus: tuple[GpuRecord, ...]) -> PlatformRecord:
    driver = document["driver"]
    states = document["sets"].items()
    sets = {PackageSet(of): "" if one["state"] == "locked" else _text(one["code"]) for of, one in states}
    return PlatformRecord(
        subdir=Subdir(document["subdir"]),
        gpus=_places(document, gpus),
        driver=DriverVersion.parse(driver) if driver else None,
        driver_origin=DriverOrigin(document["origin"]),
        glibc=_text(document["glibc"]),
        jetpack=_text(document.get("jetpack", "")),
        machines=tuple(_read_machine(machine, gpus) for machine in document.get("machines", ())),
        wsl=document.get("wsl", False) is True,
        sets=sets,
    )


def _places(document: Mapping[str, Any], gpus: tuple[GpuRecord, ...]) -> tuple[GpuRecord, ...]:
    return tuple(gpus[place] for place in document["gpus"]) if "gpus" in document else gpus


def _read_machine(document: Mapping[str, Any], gpus: tuple[GpuRecord, ...]) -> MachineRecord:
    driver = document["driver"]
    return MachineRecord(
        gpus=_places(document, gpus),
        driver=DriverVersion.parse(driver) if driver else None,
        jetpack=_text(document.get("jetpack", "")),
        wsl=document.get("wsl", False) is True,
    )


def _gpu_document(gpu: GpuRecord) -> dict[str, str]:
    return {"name": gpu.name, "capability": str(gpu.capability)}


def _platform_document(one: PlatformRecord, gpus: Sequence[GpuRecord]) -> dict[str, Any]:
    """One platform; GPUs are named, by their places among all, where it does not have all of them."""
    document: dict[str, Any] = {"subdir": one.subdir.value} | _own_gpus(one.gpus, gpus)
    document |= {"driver": str(one.driver or ""), "origin": one.driver_origin.value, "glibc": one.glibc}
    document |= _own_system(one)
    if one.machines:
        document["machines"] = [
            _own_gpus(each.gpus, gpus) | {"driver": str(each.driver or "")} | _own_system(each) for each in one.machines
        ]
    states = {of: one.sets[of] for of in PackageSet if of in one.sets}
    document["sets"] = {
        of.value: {"state": "none", "code": code} if code else {"state": "locked"} for of, code in states.items()
    }
    return document


def _own_system(one: PlatformRecord | MachineRecord) -> dict[str, Any]:
    return ({"jetpack": one.jetpack} if one.jetpack else {}) | ({"wsl": True} if one.wsl else {})


def _own_gpus(own: tuple[GpuRecord, ...], gpus: Sequence[GpuRecord]) -> dict[str, Any]:
    return {} if own == tuple(gpus) else {"gpus": [gpus.index(gpu) for gpu in own]}


def _gpus(requested: Sequence[RequestedGpu]) -> tuple[GpuRecord, ...]:
    found = dict.fromkeys((one.gpu.name if one.gpu.is_named else "", one.gpu.capability) for one in requested)
    return tuple(GpuRecord(name=name, capability=capability) for name, capability in found)


def _platform(request: Request, sets: Mapping[PackageSet, str]) -> PlatformRecord:
    return PlatformRecord(
        subdir=request.subdir,
        gpus=_gpus(request.gpus),
        driver=request.driver,
        driver_origin=request.driver_origin,
        glibc=request.glibc if request.subdir.is_linux else "",
        jetpack=request.jetpack.release if request.jetpack else "",
        machines=tuple(
            MachineRecord(
                gpus=_gpus(each.gpus),
                driver=each.driver,
                jetpack=each.jetpack.release if each.jetpack else "",
                wsl=each.wsl,
            )
            for each in request.machines
        ),
        wsl=request.wsl,
        sets=dict(sets),
    )


def _bound(packages: Iterable[str]) -> dict[Binding, tuple[str, ...]]:
    """The values of `--with` by the set in front of them, sorted, each once."""
    found: dict[Binding, set[str]] = {of: set() for of in Binding}
    for text in packages:
        prefix, colon, rest = text.partition(":")
        of = next((of for of in (Binding.PIP, Binding.CONDA) if colon and prefix.strip().lower() == of), Binding.BOTH)
        found[of].add((text if of is Binding.BOTH else rest).strip())
    return {of: tuple(sorted(texts)) for of, texts in found.items() if texts}
