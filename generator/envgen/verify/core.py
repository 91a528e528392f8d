"""The core of verify, pure: from the texts of a folder to what is wrong with them. Nothing is asked of anybody.

Every command that uses files of ours asks it first: the main job and `envgen lock` before pins are kept, `--check`,
`matrix`, `ci` and `audit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.findings import SkippedCheck
from envgen.core.sets import PackageSet
from envgen.files.commands import request_command
from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu
from envgen.files.prose import SHIPPED_COMMAND
from envgen.files.registry import CONDA_LOCK, PYLOCK, SMOKE_TEST, set_of
from envgen.verify.conda_set import judge_conda
from envgen.verify.findings import Code, Finding, has_no_error
from envgen.verify.form import check_smoke_form
from envgen.verify.headers.prose import Prose, check_prose
from envgen.verify.headers.stated import Stated, read_stated
from envgen.verify.judged import JudgedLock, Judgement, Knowledge
from envgen.verify.opened import Opened, check_set, open_files
from envgen.verify.pip_set import judge_pip
from envgen.verify.places import without_logins


def judge(found: Mapping[str, str | None], knowledge: Knowledge) -> Judgement:
    """Return what is wrong with the files of a folder, as `read_folder` gives them."""
    opened = open_files(found)
    stated = read_stated(opened.headers, knowledge.builds)
    opening = [*opened.findings, *check_set(opened, is_shipped=stated.is_shipped)]
    pip, of_pip = judge_pip(opened, stated, knowledge)
    conda, of_conda = judge_conda(opened, stated, knowledge)
    locks = [*pip, *conda]
    content = [*stated.findings, *of_pip, *of_conda, *(finding for one in locks for finding in one.findings)]
    content += _check_sets(opened, stated, locks)
    content += _check_smoke_test(opened, stated, locks)
    prose, open_ = _check_prose(opened, stated, locks, knowledge, is_good=has_no_error([*opening, *content]))
    content += prose
    not_ours = "no header of envgen's, and no part of the set beside it"
    record = stated.record
    return Judgement(
        files=tuple(found),
        locks=locks,
        opening=sorted_findings(opening),
        content=sorted_findings(content),
        skipped=[*(SkippedCheck(check=name, reason=not_ours) for name in opened.foreign), *open_],
        command="" if record is None else SHIPPED_COMMAND if record.codes else request_command(record),
    )


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each finding once, in the order in which they are told, without the logins of the files that they quote."""
    return tuple(sorted(set(map(_masked, findings)), key=lambda finding: finding.place))


def _masked(finding: Finding) -> Finding:
    """Reports end up in public logs."""
    evidence = tuple(map(without_logins, finding.evidence))
    return replace(finding, title=without_logins(finding.title), evidence=evidence)


def _check_sets(opened: Opened, stated: Stated, locks: Sequence[JudgedLock]) -> Iterator[Finding]:
    """What the request line records as locked must be here, and nothing else."""
    names = {*opened.bodies, *opened.unreadable}
    here = {set_of(name) for name in names}
    judged = {(one.package_set, one.subdir) for one in locks}
    is_stated = not any(header.is_legacy for header in opened.headers.values())
    for package_set, main in ((PackageSet.PIP, PYLOCK), (PackageSet.CONDA, CONDA_LOCK)):
        states = stated.record.states(package_set) if stated.record else ()
        if "" in states and package_set not in here:
            title = f"the {package_set} set was locked, and there is no file of it"
            yield Finding(code=Code.FILE_MISSING, file=main.one, title=title)
        elif all(states) and states and package_set in here:
            title = f"the request line says that there is no {package_set} set: {', '.join(sorted(set(states)))}"
            yield Finding(code=Code.FILES_DISAGREE, file=main.one, title=title)
        elif stated.record is not None and package_set in here:
            if is_stated and len(states) < len(stated.record.platforms):
                title = f"the request line does not say that the {package_set} set is locked"
                yield Finding(code=Code.FILES_DISAGREE, file=main.one, title=title)
            for subdir in stated.record.locked(package_set):
                files = {main.name(subdir, many=many) for many in (True, False)}
                if (package_set, subdir) not in judged and not files & names:
                    title = f"the {package_set} set of {subdir} was locked, and there is no file of it"
                    yield Finding(code=Code.FILE_MISSING, file=main.name(subdir, many=True), title=title)


def _check_prose(
    opened: Opened, stated: Stated, locks: Sequence[JudgedLock], knowledge: Knowledge, *, is_good: bool
) -> tuple[list[Finding], list[SkippedCheck]]:
    """What the headers tell people must be what is told of these locks."""
    if stated.record is None:
        return [], []
    builds = {(one.package_set, one.subdir): one.locked for one in locks if one.locked is not None}
    prose = Prose(
        record=stated.record,
        requests=stated.requests,
        locked=builds if is_good else None,
        builds=knowledge.builds,
        catalog=knowledge.catalog,
        own=[mirror.rstrip("/") for mirror in (knowledge.mirrors.wheels, knowledge.mirrors.conda) if mirror],
    )
    return check_prose(opened.headers, prose)


def _check_smoke_test(opened: Opened, stated: Stated, locks: Sequence[JudgedLock]) -> Iterator[Finding]:
    """The smoke test must be the program that is written for what is locked."""
    body, record = opened.bodies.get(SMOKE_TEST.one), stated.record
    expected = {(one.package_set, one.subdir): one.smoke for one in locks if one.smoke is not None}
    if body is None or record is None or not expected:
        return
    locked = [(of, one.subdir) for one in record.platforms for of, why in one.sets.items() if not why]
    if any(key not in expected for key in locked):
        return  # a lock that is missing or can't be read is a finding of its own
    gpus = (SmokeGpu.of(requested.gpu) for request in stated.requests for requested in request.gpus)
    order = [(of, platform.subdir) for of in PackageSet for platform in record.platforms]
    pairings = (expected[key] for key in order if key in expected)
    made = SmokeExpectation(pairings=tuple(dict.fromkeys(pairings)), gpus=tuple(dict.fromkeys(gpus)))
    yield from check_smoke_form(body, made, opened.headers.get(SMOKE_TEST.one))
