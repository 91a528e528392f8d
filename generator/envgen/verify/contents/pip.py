"""What a pip lock's packages write over each other, which CUDA they load, and which of them are sources."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from envgen.core.findings import Level
from envgen.core.locks import PipLock
from envgen.core.releases import major_of_tag
from envgen.core.requirements import normalise_project, parsed, read_version
from envgen.core.wheel_names import file_name, project_and_version
from envgen.facts.tables import read_table
from envgen.net.deadline import Deadline, Patience, Retry
from envgen.records.request import RequestRecord
from envgen.solve.errors import CudaClashError
from envgen.solve.pip.contents import judged, read_all, wheels_of
from envgen.verify.findings import Code, Finding

_LONGEST_S = 60.0
_MAJOR_IN_NAME = re.compile(r"^(nvidia-.+)-cu(\d\d)$")


def check_majors(lock: PipLock, file: str) -> Iterator[Finding]:
    """Two packages of one library of NVIDIA's for two CUDA majors that are known to install one file (cuDNN, NCCL).

    What no table knows is not told of: only the wheels themselves say it (`check_contents`).
    """
    shared = {(row["library"], row["number"]): row["file"] for row in read_table("shared_files")}
    majors: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for package in lock.packages:
        if named := _MAJOR_IN_NAME.fullmatch(package.name):
            majors[named[1], package.version.partition(".")[0]].append(package.name)
    for library, names in majors.items():
        if len(names) > 1 and library in shared:
            title = f"{' and '.join(sorted(names))} both install {shared[library]}: what is installed last stays"
            yield Finding(code=Code.TWO_OWNERS, file=file, title=title)


def check_sources(lock: PipLock, record: RequestRecord | None, file: str) -> Iterator[Finding]:
    """Source distributions, which install nothing that is locked unless the request allows them by name."""
    allowed = set(record.sources) if record is not None else set()
    for package in lock.packages:
        if not package.is_source:
            continue
        filename = file_name(package.url)
        if package.name not in allowed:
            yield Finding(
                code=Code.SOURCE_NOT_ALLOWED, file=file, title=f"{filename[:80] or package.url[:80]} is no wheel"
            )
            continue
        project, version = project_and_version(filename) or ("", "")
        if project != package.name or read_version(version) != read_version(package.version):
            title = f"{filename[:80]} is not {package.name} {package.version}"
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=title)


def check_contents(lock: PipLock, tag: str, asked: Collection[str], deadline: Deadline, file: str) -> Iterator[Finding]:
    """What the wheels themselves say: the CUDA that they load, and who owns each file. What can't be read is silent."""
    names = [normalise_project(requirement.name) for requirement in parsed(asked)]
    wheels = wheels_of(lock, names)
    limit = Deadline.after(min(_LONGEST_S, deadline.left()))
    contents = read_all(wheels, patience=Patience(deadline=limit, retry=Retry(attempts=2)))
    try:
        notices = judged(
            wheels, contents, build=f"{lock.version_of('torch').partition('+')[0]}+{tag}", major=major_of_tag(tag)
        )
    except CudaClashError as clash:
        yield Finding(code=Code.CUDA_CLASH, file=file, title=clash.headline(), evidence=clash.facts())
        return
    for notice in (one for one in notices if one.code == Code.TWO_OWNERS):
        yield Finding(code=Code.TWO_OWNERS, file=file, title=notice.text, level=Level.WARNING)
