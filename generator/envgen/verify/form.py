"""Compares files with what envgen writes for the same packages: what no other check reads is compared as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from envgen.core.errors import DataError
from envgen.core.findings import Level
from envgen.core.locks import CondaLock, PipLock
from envgen.core.sets import PackageSet
from envgen.files.bodies import conda_bodies, pip_bodies
from envgen.files.formats.smoke import SmokeExpectation, smoke_body, smoke_constant
from envgen.files.header import Header, members, set_digest
from envgen.files.registry import CONDA_LOCK, PYLOCK, SMOKE_TEST
from envgen.files.variants import variant_like
from envgen.files.yaml_reader import read_yaml
from envgen.records.errors import RecordError
from envgen.records.request import RequestRecord
from envgen.verify.findings import Code, Finding


def check_pip_form(
    lock: PipLock,
    bodies: Mapping[str, str],
    headers: Mapping[str, Header],
    pylock: str,
    stated: RequestRecord | None,
) -> Iterator[Finding]:
    """The files of a pip lock against what is written for the packages that its pylock.toml holds."""
    try:
        made = pip_bodies(lock, multi=pylock != PYLOCK.one, request=_table(headers.get(pylock), stated))
    except DataError as error:
        yield _unwritable(pylock, error)
        return
    yield from _differences(bodies, made, headers)


def _table(header: Header | None, stated: RequestRecord | None) -> RequestRecord | None:
    """The request that a pylock.toml holds as a table: none in a shipped lock, nor in those of release 0.1.0.

    It is that of its own header, or what the other headers state when it lost its own.
    """
    if header is not None and header.is_legacy:
        return None
    try:
        record = header.record() if header is not None else stated
    except RecordError:
        return None
    return None if record is None or record.codes else record


def check_smoke_form(body: str, expected: SmokeExpectation, header: Header | None) -> Iterator[Finding]:
    """The smoke test against the program that is written for what is locked, as text: nothing is read out of it."""
    if smoke_constant(expected) not in body:
        title = "it does not expect what is locked here"
        evidence = tuple(_first_difference(body, smoke_body(expected)))
        yield Finding(code=Code.FILES_DISAGREE, file=SMOKE_TEST.one, title=title, evidence=evidence)
        return
    yield from _differences({SMOKE_TEST.one: body}, {SMOKE_TEST.one: smoke_body(expected)}, {SMOKE_TEST.one: header})


def check_conda_form(
    locks: list[CondaLock], bodies: Mapping[str, str], headers: Mapping[str, Header]
) -> Iterator[Finding]:
    """The files of all conda locks against what is written for the packages that conda-lock.yml holds."""
    try:
        made = conda_bodies(locks)
    except DataError as error:
        yield _unwritable(CONDA_LOCK.one, error)
        return
    yield from _differences(bodies, made, headers)


def _unwritable(file: str, error: DataError) -> Finding:
    return Finding(code=Code.NOT_AS_WRITTEN, file=file, title=f"envgen could not have written it: {error.headline()}")


def _differences(
    bodies: Mapping[str, str], made: Mapping[str, str], headers: Mapping[str, Header | None]
) -> Iterator[Finding]:
    for name, plain in sorted(made.items()):
        body = variant_like(plain, bodies.get(name, ""), name)
        if name not in bodies or bodies[name] == body:
            continue
        title = "it is not what envgen writes for these packages"
        header = headers.get(name)
        # The smoke test of release 0.1.0 was another one, and another conda-lock may spell the same in another way.
        is_old = header is not None and header.is_legacy and name == SMOKE_TEST.one
        is_respelled = CONDA_LOCK.matches(name) and _is_same_yaml(bodies[name], body)
        level = Level.WARNING if is_old or is_respelled else Level.ERROR
        evidence = tuple(_first_difference(bodies[name], body))
        yield Finding(code=Code.NOT_AS_WRITTEN, file=name, title=title, evidence=evidence, level=level)


def _is_same_yaml(here: str, made: str) -> bool:
    """True when two texts hold the same in another spelling: no comment, tag, anchor, further document or key twice."""
    import yaml

    if "#" in here:
        return False
    try:
        return read_yaml(here) == read_yaml(made) and sorted(_events(here)) == sorted(_events(made))
    except yaml.YAMLError:
        return False


def _events(text: str) -> Iterator[str]:
    import yaml

    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        marks = (getattr(event, name, None) for name in ("anchor", "tag", "value"))
        yield f"{type(event).__name__} {tuple(marks)}"


def _first_difference(here: str, made: str) -> Iterator[str]:
    for label, sign in (("in the file", "-"), ("as written by envgen", "+")):
        lines = unified_diff(here.splitlines(), made.splitlines(), n=0, lineterm="")
        changed = (line[1:] for line in list(lines)[2:] if line.startswith(sign))
        yield f"{label}: {next(changed, '(nothing)').strip()[:160]}"


def check_digests(files: Mapping[str, tuple[Header, str]]) -> Iterator[Finding]:
    """The digest of each set, made again from its files: it tells a missing file and a changed header.

    To be asked of files that all have a header, and whose bodies nobody edited.
    """
    from envgen.files.legacy_header import legacy_run

    legacy = {name: part for name, part in files.items() if part[0].is_legacy}
    if legacy:
        yield from _check_digest(legacy, legacy_run(legacy))
    for package_set in PackageSet:
        ours = {name: part for name, part in members(files, package_set).items() if name not in legacy}
        if ours:
            yield from _check_digest(ours, set_digest(ours))


def _check_digest(files: Mapping[str, tuple[Header, str]], made: str) -> Iterator[Finding]:
    headers = [header for header, _ in files.values()]
    if len({(header.command, header.catalog, header.request) for header in headers}) > 1:
        title = "the headers of one set name different commands, requests or catalogs"
        yield Finding(code=Code.SET_CHANGED, file=min(files), title=title)
    elif made != headers[0].set:
        title = "a file of the set is missing here, or a header was changed: the set's digest is another"
        evidence = (f"stated: {headers[0].set}", f"of these files: {made}")
        yield Finding(code=Code.SET_CHANGED, file=min(files), title=title, evidence=evidence)
