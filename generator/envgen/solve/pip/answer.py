"""uv's answer: the packages of its lock with what its log says of them, or what its error text stands for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envgen.core.dataclass import dataclass
from envgen.core.requirements import normalise_project
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import without_credentials
from envgen.solve.errors import SolveFailedError, SolverError
from envgen.solve.pip.resolver_log import dependants, passed_over
from envgen.solve.pip.uv import PROJECT

if TYPE_CHECKING:
    from envgen.solve.pip.uv import UvRequest

_NO_VERSIONS = re.compile(r"there are no versions of ([a-z0-9]+(?:-[a-z0-9]+)*+)")
_LOGGED = ("TRACE ", "DEBUG ", "INFO ")
_LABEL = re.compile(r"^(?:error|cause|hint|warning):\s*")
# torch itself and its companions, which a request can't name as further packages
_OURS = ("torch==", "torch>=", "torchvision==", "torchaudio==")
# How far uv indents the items of a list, a sentence is at nine or ten; and how many items of one are enough.
_LISTED, _SHOWN = 12, 4
_MARKER = re.compile(r"\{[^{}]*\}")
_URL = re.compile(r"https?://[^\s`'\"<>)]+")
# uv 0.13's own words. What came and was wrong is looked for first: uv wraps both kinds in "Failed to fetch".
_BAD_DATA = re.compile(
    r"end of file before message length|unexpected json|eof while parsing|expected value at|hash mismatch"
    r"|(?:failed|unable) to (?:parse|read metadata)|couldn't parse|invalid (?:json|metadata)|missing hash"
    r"|package metadata (?:name|version)|inconsistent|HTTP status client error \((?:404|410)",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"error sending request|could not connect|timed out|dns error|connection (?:refused|reset|closed)|failed to fetch"
    r"|HTTP status (?:client|server) error|returned a (?:401|403)|network connectivity is disabled|network was disabled"
    r"|lack of valid authentication",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UvWheel:
    """One file that uv found to fit. `size` is None when the index does not state it."""

    url: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UvPackage:
    """One package of uv's answer, with every file that fits; `via` maps the packages that asked for it to their bounds.

    `is_requested` says that the request itself names it; `passed` is then a newer release that was passed over,
    empty when it is not known which.
    """

    name: str
    version: str
    wheels: tuple[UvWheel, ...]
    via: Mapping[str, str]
    is_requested: bool
    passed: str | None = None


def load_reading() -> None:
    """Load what is needed once the answer is there, for who waits for it."""
    from packaging import requirements

    del requirements


def without_versions(log: str) -> list[str]:
    """The projects of which uv saw no versions, by its log."""
    return sorted({*_NO_VERSIONS.findall(log)} - {PROJECT})


def failure(
    request: UvRequest, status: int, errors: str
) -> SolveFailedError | UnreachableError | SourceDataError | SolverError:
    """The error that uv's text stands for."""
    clean = _URL.sub(lambda found: without_credentials(found[0]), errors)
    written = [line for line in clean.splitlines() if line.strip() and not line.startswith(_LOGGED)]
    lines = [line.strip() for line in written]
    first_url = _URL.search(clean)
    url = first_url[0].rstrip(".,;") if first_url else request.default_index.url
    for pattern, kind in ((_BAD_DATA, SourceDataError), (_UNREACHABLE, UnreachableError)):
        telling = [line for line in lines if pattern.search(line)]
        if telling:
            return kind(url=url, reason=f"uv: {_LABEL.sub('', telling[-1])}")
    if "No solution found" in clean:
        told = [
            line
            for line in written
            if "No solution found" not in line and not line.strip().startswith(("hint:", "warning:"))
        ]
        hints = [_LABEL.sub("", line) for line in lines if line.startswith("hint:")]
        explanation = [_readable(sentence, request) for sentence in _sentences(told)]
        return SolveFailedError(
            solver="pip", subject=request.subject, explanation=tuple(explanation[:12]), advice=" ".join(hints[:1])
        )
    return SolverError(solver="uv", reason=f"exit status {status}", output=" ".join(lines))


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    """uv's sentences, a line each: it writes what "all of:" and the like mean below them, indented further."""
    sentence, listed = "", list[str]()
    for line in (*lines, "And because"):
        text = line.strip()
        if sentence.endswith(":") and len(line) - len(line.lstrip()) >= _LISTED:
            listed.append(text)
            continue
        if listed:
            shown = listed if len(listed) <= _SHOWN else (*listed[: _SHOWN - 1], "…", listed[-1])
            sentence = f"{sentence} {', '.join(shown)}" + ("," if text.startswith("we can conclude") else "")
            listed = []
        if text.startswith("And because") and sentence:
            yield sentence
            sentence = ""
        sentence = f"{sentence} {text}".strip()


def _readable(line: str, request: UvRequest) -> str:
    """A line of uv's explanation without its labels, the markers in names, and the name of our own project.

    What is asked of torch's family is our own decision, and not the request.
    """
    text = _MARKER.sub("", _LABEL.sub("", line)).replace(f"{PROJECT} depends on", "the request asks for")
    for requirement in request.requirements:
        first = requirement.partition(",")[0]
        if first.startswith(_OURS):
            who = "the build that was decided on has" if "==" in first else "the builds that run here are"
            for written in (first, first.replace(">=", "==")):
                text = text.replace(f"the request asks for {written}", f"{who} {written}")
    return text


def read_packages(document: str, log: str) -> tuple[UvPackage, ...]:
    try:
        entries = tomllib.loads(document)["packages"]
        asked = dependants(log, {entry["name"]: entry["version"] for entry in entries}, PROJECT)
        packages = [_package(entry, asked[entry["name"]], log) for entry in entries]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SolverError(solver="uv", reason=f"its lock cannot be read: {error!r}") from error
    return tuple(sorted(packages, key=lambda p: p.name))


def _package(entry: Mapping[str, Any], asked: Mapping[str, str], log: str) -> UvPackage:
    # An index may link to its files with a login of its own.
    wheels = tuple(
        UvWheel(url=without_credentials(wheel["url"]), sha256=wheel["hashes"]["sha256"], size=wheel.get("size"))
        for wheel in entry["wheels"]
    )
    passed = passed_over(log, entry["name"], entry["version"]) if PROJECT in asked else None
    return UvPackage(
        name=normalise_project(entry["name"]),
        version=entry["version"],
        wheels=wheels,
        via={name: bounds for name, bounds in sorted(asked.items()) if name != PROJECT},
        is_requested=PROJECT in asked,
        passed=passed,
    )
