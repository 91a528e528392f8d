"""Task `index-lists`: the wheels of the CUDA indexes say themselves which code they carry, Windows' among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.facts.tables import read_table
from envgen.net.pip_index import IndexFile
from envgen.net.ranges import RangedFile, size_of
from envgen.refresh.arch_lists import Measured, inserted, is_another_list, measured_row, with_wheel
from envgen.refresh.compile import compiled, measured_builds
from envgen.refresh.index_pages import CudaPage, read_cuda_pages
from envgen.refresh.outcome import Finding, Inputs, Outcome
from envgen.refresh.releases import read_releases
from envgen.refresh.rewrite import table_file
from envgen.refresh.torch_wheel import WheelContentError, read_torch_wheel
from envgen.refresh.wheel_tags import pythons_of, subdirs_of

Wanted = tuple[str, str, Subdir]


def refresh_index_lists(inputs: Inputs) -> Outcome:
    """torch_measured.csv with a wheel of each build of the newest releases that none was read of, where it has a hash.

    Raises: UnreachableError, SourceDataError, WheelContentError, FactInvalidError.
    """
    measured = read_table("torch_measured", inputs.folder)
    releases = read_releases(inputs.folder)
    urls = {row["cuda_tag"]: row["url"] for row in read_table("cuda_indexes", inputs.folder)}
    newest = sorted(releases, key=release_key)[-inputs.releases :]
    read = measured_builds(measured)
    wanted = {(t, tag, Subdir(s)) for t in newest for tag, s in releases[t].pip} - set(read)
    pages = read_cuda_pages(inputs, {tag: urls[tag] for tag in sorted({tag for _, tag, _ in wanted})}, ())
    findings: list[Finding] = []
    for (torch, tag, subdir), file, page in one_of_each(pages, wanted):
        size = file.size or size_of(file.url, patience=inputs.patience)
        wheel = read_torch_wheel(RangedFile(file.url, size, patience=inputs.patience), file.name.filename)
        if wheel.version != f"{torch}+{tag}":
            reason = f"torch/version.py says {wheel.version}"
            raise WheelContentError(filename=file.name.filename, reason=reason)
        found = Measured(file=file, subdir=subdir, wheel=wheel)
        row = {**measured_row(found, inputs.today, f"wheel of {page.canonical}"), "wheel_bytes": str(size)}
        _, differing = with_wheel(releases[torch], found, page.page, [])
        if not is_another_list(differing):
            measured = inserted(measured, row, ("file",))
        findings += [finding for finding in differing if ": on_pypi of" not in finding.title]
    made = compiled(inputs.folder, releases.values(), torch_measured=measured)
    files = {**made.files, **table_file("torch_measured", measured)}
    return Outcome(files=files, findings=(*findings, *made.findings))


def one_of_each(pages: Iterable[CudaPage], wanted: set[Wanted]) -> Iterator[tuple[Wanted, IndexFile, CudaPage]]:
    """For each wanted build the first wheel with a hash on its index's page: every Python's holds the same code."""
    left = set(wanted)
    for page in pages:
        for file in page.page.files if page.page.project == "torch" else ():
            for subdir in subdirs_of(file.name) if file.sha256 and pythons_of(file.name) else ():
                key = file.name.release, page.tag, subdir
                if key in left and file.name.local == page.tag:
                    left.remove(key)
                    yield key, file, page
