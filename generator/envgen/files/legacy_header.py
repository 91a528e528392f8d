"""Headers of release 0.1.0, read for one release more: there the request was the command that remakes the file.

Delete this module with the release after the next; `files/reading` and verify's `check_set_digest` are its only users.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.errors import EnvgenError
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin
from envgen.files.header import DIGEST, END, Header, body_digest, comments
from envgen.files.quoting import comment_line
from envgen.records.document import to_json
from envgen.records.request import Binding, GpuRecord, PlatformRecord, RequestRecord

_MARKS = {0: "# envgen ", 1: "# made by: ", -3: "# catalog ", -2: "# run sha256:", -1: "# body sha256:"}
_LAST = re.compile(f"\n# run sha256:[0-9a-f]{{64}}\n# body sha256:[0-9a-f]{{64}}{END}")
_LANES = "envgen lock --all"
_EVERY_GPU = re.compile(r"for every GPU that runs one of: (?P<codes>[a-z0-9_ ]+)")
_FLOOR = re.compile(r"driver (?P<driver>\d{3}[\d.]*) or newer; ")
_SHIPPED = re.compile(r", (?P<subdir>[a-z0-9-]+), Python (?P<python>3\.\d+)$")
_TARGET = re.compile(r"(?<![^,])(?P<name>[^,]+?) \(compute capability (?P<capability>\d+\.\d+)\)")
_FLAGS = frozenset({"--no-vision", "--audio", "--write-mirror"})


def split_legacy(text: str) -> tuple[Header, str] | None:
    """The header and the body of a text with `\\n` line ends, or None."""
    last = _LAST.search(text)
    if last is None:
        return None
    lines = text[: last.end() - len(END)].split("\n")
    if len(lines) < 5 or not all(line.startswith("#") for line in lines):
        return None
    if not all(lines[at].startswith(mark) for at, mark in _MARKS.items()):
        return None
    title, command, catalog, run, body = (lines[at].removeprefix(mark) for at, mark in _MARKS.items())
    lines_read = comments(lines[2:-3])
    header = Header(
        title=title,
        command=command,
        lines=lines_read,
        catalog=catalog,
        request=_request(title, command, lines_read),
        set=run,
        body=body,
        is_legacy=True,
    )
    return (header, text[last.end() :]) if DIGEST.fullmatch(run) else None


def legacy_run(files: Mapping[str, tuple[Header, str]]) -> str:
    """The digest that release 0.1.0 would state in every file of a run: all names, bodies and what the headers say."""
    names = sorted(files)
    first = files[names[0]][0]
    if first.command == _LANES:  # a shipped lock: the first line is the same in all its files
        lines = [line for name in names for line in files[name][0].lines[1:]]
    else:
        lines = [f"{name}: {line}" for name in names for line in files[name][0].lines]
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\n{body_digest(files[name][1])}\n".encode())
    for text in (first.command, first.catalog, *lines):
        digest.update(f"{comment_line(re.sub('coding(?=[:=])', 'coding ', text))}\n".encode())
    return digest.hexdigest()


def _request(title: str, command: str, lines: Sequence[str]) -> str:
    """The request line of a header; empty when its command can't be read, or states too little."""
    try:
        record = _shipped(title, lines) if command == _LANES else _asked(title, shlex.split(command))
    except (EnvgenError, ValueError, KeyError, IndexError):
        return ""
    return to_json(record)


def _shipped(title: str, lines: Sequence[str]) -> RequestRecord:
    codes = _EVERY_GPU.fullmatch(lines[0])
    floor, where = _FLOOR.match(lines[1]), _SHIPPED.search(title)
    if codes is None or floor is None or where is None:
        raise ValueError(title)
    platform = PlatformRecord(
        subdir=Subdir(where["subdir"]), gpus=(), driver=None, driver_origin=DriverOrigin.ASSUMED, glibc=""
    )
    return RequestRecord(
        platforms=(platform,),
        python=where["python"],
        codes=tuple(sorted(ArchCode.parse(code) for code in codes["codes"].split())),
        floor=DriverVersion.parse(floor["driver"]),
    )


def _asked(title: str, words: Sequence[str]) -> RequestRecord:
    """What a command asks for; the compute capability of a name is in the title."""
    options = _options(words[1:])
    titled = [(found["name"].strip(), found["capability"]) for found in _TARGET.finditer(title.partition(" for ")[2])]
    asked = [*options["--gpu"], *(f"compute capability {text}" for text in options["--compute-capability"])]
    if {name for name, _ in titled} != {*asked}:
        raise ValueError(title)
    capabilities = [(name, ComputeCapability.parse(text)) for name, text in titled]
    gpus = tuple(
        GpuRecord(name=name if name in options["--gpu"] else "", capability=capability)
        for name, capability in capabilities
    )
    drivers = [DriverVersion.parse(text) for text in options["--driver"]]
    platforms = [
        PlatformRecord(
            subdir=Subdir(subdir),
            gpus=gpus,
            driver=drivers[-1] if drivers else None,
            driver_origin=DriverOrigin.GIVEN if drivers else DriverOrigin.ASSUMED,
            glibc="" if Subdir(subdir).is_windows else "".join(options["--glibc"][-1:]),
        )
        for subdir in options["--platform"]
    ]
    packages: dict[Binding, tuple[str, ...]] = {}
    for text in options["--with"]:
        prefix, colon, rest = text.partition(":")
        of = Binding(prefix) if colon and prefix in ("pip", "conda") else Binding.BOTH
        packages[of] = tuple(sorted({*packages.get(of, ()), rest if of is not Binding.BOTH else text}))
    if not platforms or not gpus:
        raise ValueError(title)
    return RequestRecord(
        platforms=tuple(platforms),
        python=options["--python"][-1],
        torch="".join(options["--torch"][-1:]),
        cuda="".join(options["--cuda"][-1:]),
        vision=not options["--no-vision"],
        audio=bool(options["--audio"]),
        packages=packages,
    )


def _options(words: Sequence[str]) -> dict[str, list[str]]:
    """Option -> the values it was given; release 0.1.0 wrote no option in another form than a value after a blank."""
    valued = ("--gpu", "--compute-capability", "--platform", "--driver", "--python", "--glibc", "--torch", "--cuda")
    found: dict[str, list[str]] = {name: [] for name in (*valued, "--with", *_FLAGS)}
    left = iter(words)
    for word in left:
        value = "" if word in _FLAGS else next(left, None)
        if value is None:
            raise ValueError(word)
        found.setdefault(word, []).append(value)
    return found
