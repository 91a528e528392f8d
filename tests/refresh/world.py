"""Small tables and small indexes for the tasks: a data folder, and pages on the loopback interface."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envgen.facts.tables import dump_table, schema_dir
from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.fetch import Page
from envgen.net.pip_index import ProjectPage, parse_page
from envgen.refresh.compile import compiled
from envgen.refresh.releases import Release, columns_of, dump_release, read_releases
from envgen.refresh.rewrite import write_files

PAGES = Path(__file__).parent / "pages"
Row = Mapping[str, str]
SHA = {letter: letter * 64 for letter in "abcdef"}


def quick() -> Patience:
    """Patience for servers of the own machine."""
    return Patience(deadline=Deadline.after(20), retry=Retry(attempts=2, pause_s=0.001, silence_s=5))


def build(torch: str, tag: str, subdir: str, pythons: str = "3.12", **cells: str) -> dict[str, str]:
    """A row of torch_builds.csv."""
    row = {"torch": torch, "cuda_tag": tag, "subdir": subdir, "pythons": pythons, "pythons_seen": ""}
    row |= {
        "arch_list": "sm_75 sm_80",
        "toolkit": "",
        "cudnn": "",
        "libraries": "",
        "glibc": "2.28" if "linux" in subdir else "",
    }
    row |= {"on_pypi": "", "existence": "announced", "evidence": "build-script", "source": "a build script", "note": ""}
    return row | cells


def wheel(index: str, filename: str, sha256: str = "", **cells: str) -> dict[str, str]:
    """A row of wheels.csv."""
    row = {"index": index, "filename": filename, "sha256": sha256, "size": "", "sightings": "2" if sha256 else "0"}
    return row | {"source": "lock files of owner/name", "note": "" if sha256 else "name known, hash unknown"} | cells


def companion(torch: str, vision: str, audio: str = "") -> dict[str, str]:
    """A row of companions.csv."""
    return {"torch": torch, "torchvision": vision, "torchaudio": audio, "torchaudio_loads": ""}


def write_tables(folder: Path, **tables: list[dict[str, str]]) -> Path:
    """Write tables by name; cells that a row leaves out are empty."""
    for name, rows in tables.items():
        schema = json.loads((schema_dir() / f"{name}.schema.json").read_text(encoding="utf-8"))
        header = list(schema["properties"])
        full = [dict.fromkeys(header, "") | row for row in rows]
        (folder / f"{name}.csv").write_text(dump_table(header, full), encoding="utf-8", newline="\n")
    return folder


def write_releases(folder: Path, builds: Iterable[Row], companions: Iterable[Row] = ()) -> Path:
    """Write the files of the releases that those rows are of, and the tables made from them."""
    builds, companions = list(builds), list(companions)
    others = ("torch_measured", "torch_pins", "wheels", "arch_reports", "device_rules")
    write_tables(folder, **{name: [] for name in others if not (folder / f"{name}.csv").exists()})
    for torch in {row["torch"] for row in [*builds, *companions]}:
        empty = dict.fromkeys(columns_of("companions")[1:], "")
        own = [row for row in companions if row["torch"] == torch]
        cells = {**empty, "torchvision": "0.1", "source": "a test", **(own[0] if own else {})}
        release = Release(torch=torch, companions={c: cells[c] for c in empty}, pip={}, conda=())
        for row in builds:
            if row["torch"] == torch:
                kept = {
                    k: v
                    for k, v in row.items()
                    if k not in ("torch", "cuda_tag", "subdir", "pythons_seen", "libraries")
                }
                release = release.with_pip((row["cuda_tag"], row["subdir"]), **kept)
        (folder / release.file).parent.mkdir(exist_ok=True)
        (folder / release.file).write_text(dump_release(release), encoding="utf-8")
    write_files(folder, compiled(folder, read_releases(folder).values()).files)
    return folder


def json_page(*filenames: str, **entry: Any) -> str:
    """A project's page in the form of PEP 691; `entry` goes into every file."""
    files = [{"filename": name, "url": f"/files/{name}", "hashes": {"sha256": SHA["a"]}} | entry for name in filenames]
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "torch", "files": files})


def pypi_page(*filenames: str, project: str = "torch", **entry: Any) -> ProjectPage:
    """The page of those files, as it is after parsing."""
    body = json_page(*filenames, **entry).encode()
    return parse_page(Page(url=f"https://pypi.org/simple/{project}/", content_type="", body=body), project)


def serve_pages(root: Path, pages: Mapping[str, str | bytes]) -> None:
    """Write files that a loopback server serves; a path that ends in `/` is a page."""
    for path, content in pages.items():
        body = content.encode() if isinstance(content, str) else content
        name = "index.json" if body[:1] == b"{" else "index.html"
        place = root / path.lstrip("/") / name if path.endswith("/") else root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
