"""What the headers of a folder state was asked for: the request line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from envgen.core.builds import JetPack
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.gpus import Gpu, MatchKind
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.files.header import Header
from envgen.records.errors import RecordError, RecordNewerError
from envgen.records.request import GpuRecord, RequestRecord
from envgen.request.values import parse_build, parse_glibc, parse_name, parse_python
from envgen.verify.asked import extras_of
from envgen.verify.findings import Code, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The record that the headers state, None when they state none, and its requests.

    A shipped lock is for no request: it states codes that it runs, and `requests` is empty.
    """

    record: RequestRecord | None = None
    requests: Sequence[Request] = ()
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def is_shipped(self) -> bool:
        """True for a shipped lock."""
        return self.record is not None and bool(self.record.codes)

    def request_for(self, subdir: Subdir) -> Request | None:
        """The request of one platform, or None."""
        return next((request for request in self.requests if request.subdir is subdir), None)


def read_stated(headers: Mapping[str, Header], builds: Catalog) -> Stated:
    """Return what the headers state, with what is wrong with them."""
    records: dict[str, RequestRecord] = {}
    findings: list[Finding] = []
    for name, header in headers.items():
        try:
            records[name] = _checked(header.record())
        except RecordNewerError as error:
            title = f"it was written by a newer release of envgen ({error.reason}): {header.title[:80]}"
            findings.append(Finding(code=Code.RELEASE_NEWER, file=name, title=title))
        except RecordError as error:
            title = "its header states no request that can be read"
            evidence = (error.reason[:160],) if header.request else ()
            findings.append(Finding(code=Code.REQUEST_UNREADABLE, file=name, title=title, evidence=evidence))
    if not records:
        return Stated(findings=findings)
    # Where one set alone was made anew, the others' lines keep the states of theirs.
    asked = {name: record.without_sets() for name, record in records.items()}
    main = max(asked.values(), key=list(asked.values()).count)
    findings += [
        Finding(code=Code.FILES_DISAGREE, file=name, title="its request line asks for something else than the others'")
        for name, record in asked.items()
        if record != main
    ]
    record = next(records[name] for name in records if asked[name] == main)
    findings += _check_gpus(record, min(records))
    found = () if record.codes else record.requests(lambda gpu: _gpu(gpu, builds), lambda text: _jetpack(text, builds))
    return Stated(record=record, requests=found, findings=findings)


def _checked(record: RequestRecord) -> RequestRecord:
    """The record, once its values are such as options have.

    Raises: RecordError.
    """
    subdirs = [platform.subdir for platform in record.platforms]
    if not subdirs or len({*subdirs}) < len(subdirs):
        raise RecordError("it names no platform, or one twice")
    try:
        parse_python(record.python)
        parse_build(record.torch or None, record.cuda or None)
        parse_name(record.name)
        extras_of(record)
        for platform in record.platforms:
            if platform.glibc or platform.subdir.is_linux:
                parse_glibc(platform.glibc)
    except EnvgenError as error:
        raise RecordError(error.headline()) from error
    return record


def _gpu(record: GpuRecord, builds: Catalog) -> Gpu:
    """The GPU of a record; the catalog's, while it has that name and capability."""
    known = _known(record.name)
    is_known = known is not None and known.capability == record.capability
    return known if known is not None and is_known else builds.gpu(record.capability, record.name)


def _jetpack(release: str, builds: Catalog) -> JetPack | None:
    return next((one for one in builds.jetpacks if one.release == release), None)


def _known(name: str) -> Gpu | None:
    from envgen.gpus.catalog import GpuCatalog

    match = GpuCatalog.load().match(name) if name else None
    return match.gpu if match is not None and match.kind is MatchKind.EXACT else None


def _check_gpus(record: RequestRecord, file: str) -> Iterator[Finding]:
    for gpu in dict.fromkeys(gpu for platform in record.platforms for gpu in platform.gpus):
        known = _known(gpu.name)
        if known is not None and known.capability != gpu.capability:
            title = f"its request line says compute capability {gpu.capability} of {gpu.name[:80]}"
            evidence = (f"the catalog: {known.capability}",)
            yield Finding(code=Code.FILES_DISAGREE, file=file, title=title, evidence=evidence)
