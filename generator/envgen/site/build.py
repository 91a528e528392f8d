"""Builds the whole site: path -> bytes, the same for the same catalog and locks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.core.messages import LANGUAGES, messages
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.files.registry import SMOKE_TEST
from envgen.files.templates import read_template
from envgen.gpus.catalog import GpuCatalog
from envgen.lock.shipped import ShippedLocks
from envgen.site.archives import archive, download_size
from envgen.site.codes import code_pages
from envgen.site.compat import compat, compat_schema
from envgen.site.decisions import Table, decision_table
from envgen.site.docs import doc_pages
from envgen.site.frame import Frame, Page, script_json
from envgen.site.gpu_pages import gpu_pages
from envgen.site.names import NameTables, name_tables
from envgen.site.page_data import page_data
from envgen.site.releases import release_pages
from envgen.site.schemas import schemas

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#2f6b00"/>'
    '<path d="M4 8l3 3 5-6" fill="none" stroke="#fff" stroke-width="2"/></svg>\n'
)


@dataclass(slots=True)
class Site:
    """What every page needs."""

    catalog: Catalog
    names: NameTables
    table: Table
    shipped: ShippedLocks
    say: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: messages("site"))
    revision: str = field(default_factory=catalog_revision)

    @classmethod
    def load(cls, locks_root: Path) -> Site:
        """The site of the package's own tables and of the locks below a folder."""
        catalog, shipped = Catalog.load(), ShippedLocks.read(locks_root)
        names = name_tables(GpuCatalog.load(suggests=False))
        table = decision_table(catalog, shipped.locks)
        return cls(catalog=catalog, names=names, table=table, shipped=shipped)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the site, by its path below the folder."""
        sizes: dict[str, int] = {}
        for lock in self.shipped.locks:
            found = self.shipped.files(lock)
            name = lock.folder.as_posix()
            sizes[name] = download_size(lock, found)
            yield f"locks/{name.replace('/', '-')}.zip", archive(lock, found)
        data = page_data(self.table, self.names, sizes, self.revision)
        for language in LANGUAGES:
            for path, text in self._pages(language, data):
                yield path, text.encode("utf-8")
        document = compat(self.catalog, self.names, self.table, self.revision)
        yield "compat.json", script_json(document).encode()
        published = {"compat": compat_schema(), **schemas()}
        for name, schema in published.items():
            yield f"schemas/{name}.schema.json", (json.dumps(schema, indent=1) + "\n").encode()
        smoke = SMOKE_TEST.name(Subdir.LINUX_64, many=False)
        yield smoke, read_template(smoke).encode()
        yield "favicon.svg", _ICON.encode()

    def _pages(self, language: str, data: Mapping[str, Any]) -> Iterator[Page]:
        frame = Frame(language=language, say=self.say[language], revision=self.revision)
        scripts = tuple(_small(read_template(f"site/{name}.js")) for name in ("finder", "page"))
        yield frame.page(
            "index.html",
            "index.html.j2",
            frame.say["title"],
            scripts=scripts,
            data=script_json(data),
            texts=script_json(_texts(frame.say, scripts)),
            platforms=[subdir.value for subdir in CUDA_SUBDIRS],
            pythons=data["pythons"],
        )
        yield from gpu_pages(frame, self.catalog, self.names, self.table)
        yield from release_pages(frame, self.catalog, self.table)
        yield from code_pages(frame)
        yield from doc_pages(frame)
        yield frame.page("data.html", "data.html.j2", frame.say["data"], names=["compat", *schemas()])


def _texts(say: Mapping[str, str], scripts: Sequence[str]) -> Mapping[str, str]:
    """The texts that the finder's scripts can show: by name, or by a key in quotes."""
    code = "".join(scripts)
    by_code = ("reason.", "notice.")
    return {
        key: text
        for key, text in say.items()
        if key.startswith(by_code) or f'"{key}"' in code or re.search(rf"say\.{re.escape(key)}\b", code)
    }


def _small(script: str) -> str:
    """A script without its comment lines and indentation."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
