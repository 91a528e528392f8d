"""Builds the whole site: path -> bytes, the same for the same catalog and locks."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision, read_table
from envgen.files.templates import read_template, render_html
from envgen.gpus.catalog import GpuCatalog
from envgen.lock.shipped import ShippedLocks
from envgen.site.archives import archive, download_size
from envgen.site.compat import compat, compat_schema
from envgen.site.decisions import Answer, Table, decision_table
from envgen.site.messages import LANGUAGES, messages
from envgen.site.names import NameTables, name_tables
from envgen.site.page_data import page_data
from envgen.site.picture import cells, major_floor, picture

_FIRST_IN_PICTURE = (1, 13)
# No build of the catalog has code for an older one.
_FIRST_WITH_CODE = ComputeCapability(3, 5)


def _release_days() -> Mapping[str, str]:
    """Release of torch -> the day it came out."""
    return {row["torch"]: row["released"] for row in read_table("torch_releases")}


@dataclass(slots=True)
class Site:
    """What every page needs."""

    catalog: Catalog
    names: NameTables
    table: Table
    shipped: ShippedLocks
    say: Mapping[str, Mapping[str, str]] = field(default_factory=messages)
    revision: str = field(default_factory=catalog_revision)
    dates: Mapping[str, str] = field(default_factory=_release_days)

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
        yield "compat.json", _json(document).encode()
        yield "compat.schema.json", _json(compat_schema()).encode()

    def _pages(self, language: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield self._page(language, "index.html", "index.html.j2", "title", **self._finder(language, data))
        say = self.say[language]
        groups: dict[str, list[tuple[str, str]]] = {}
        for gpu, slug in zip(self.names.gpus, self.names.slugs, strict=True):
            groups.setdefault(str(gpu.capability), []).append((gpu.name, f"gpu/{slug}.html"))
        ordered = sorted(groups.items(), key=lambda item: release_key(item[0]), reverse=True)
        yield self._page(language, "gpus.html", "gpus.html.j2", "all_gpus", groups=ordered)
        parts = {capability: self._capability(capability, say) for capability in self.catalog.support}
        for gpu, slug in zip(self.names.gpus, self.names.slugs, strict=True):
            title = say["page_gpu"].replace("{gpu}", gpu.name)
            place = f"gpu/{slug}.html"
            yield self._page(language, place, "gpu.html.j2", title, gpu=gpu, parts=parts.get(gpu.capability, []))
        yield from self._releases(language)

    def _finder(self, language: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "script": read_template("site/finder.js").strip(),
            "data": _json(data),
            "texts": _json(dict(self.say[language])),
            "platforms": [subdir.value for subdir in CUDA_SUBDIRS],
            "pythons": data["pythons"],
        }

    def _page(self, language: str, path: str, template: str, title: str, **values: Any) -> tuple[str, str]:  # noqa: ANN401
        depth = path.count("/")
        home = "../" * depth
        root = home + ("" if language == "en" else "../")
        other = f"{home}ko/{path}" if language == "en" else f"{root}{path}"
        style = read_template("site/style.css").strip()
        say = self.say[language]
        script = values.get("script", "")
        text = render_html(
            f"site/{template}",
            lang=language,
            other_lang="ko" if language == "en" else "en",
            other=other,
            home=home,
            root=root,
            say=say,
            title=say.get(title, title),
            description=say["intro"],
            style=style,
            csp=_policy(style, script),
            revision=self.revision,
            **values,
        )
        return (path if language == "en" else f"{language}/{path}"), text

    def _capability(self, capability: ComputeCapability, say: Mapping[str, str]) -> list[dict[str, Any]]:
        """What a GPU page says of each platform; the same for all GPUs of a capability."""
        parts = []
        for subdir in CUDA_SUBDIRS:
            row = self.table.rows[capability, subdir, "3.12"]
            answers = [(driver, self.table.answers[at]) for driver, at in row]
            shown = _changes(answers)
            newest = next((answer for _, answer in reversed(answers) if answer.pip or answer.conda), None)
            parts.append(
                {
                    "platform": subdir.value,
                    "ending": self._ending(capability, subdir, say),
                    "rows": shown,
                    "commands": _commands(newest),
                }
            )
        return parts

    def _ending(self, capability: ComputeCapability, subdir: Subdir, say: Mapping[str, str]) -> str:
        last = self.last_release(capability, subdir)
        platform = say[subdir.value]
        if not last:
            return say["never_served"].replace("{platform}", platform)
        newest = self.catalog.builds(PackageSet.PIP, subdir)[-1].torch
        if last == newest:
            return say["still_served"].replace("{platform}", platform)
        date = self.dates.get(last, "")
        text = say["last_build"].replace("{platform}", platform).replace("{torch}", last)
        return text.replace("{date}", f" ({date})" if date else "")

    def last_release(self, capability: ComputeCapability, subdir: Subdir) -> str:
        """The newest release that some driver and Python run on a capability, or an empty string."""
        found = {
            answer.pip.build.torch
            for (have, where, _), row in self.table.rows.items()
            if (have, where) == (capability, subdir)
            for answer in (self.table.answers[at] for _, at in row)
            if answer.pip
        }
        return max(found, key=release_key, default="")

    def _releases(self, language: str) -> Iterator[tuple[str, str]]:
        capabilities = [found for found in sorted(self.catalog.support) if found >= _FIRST_WITH_CODE]
        releases = sorted(
            {b.torch for subdir in CUDA_SUBDIRS for b in self.catalog.builds(PackageSet.PIP, subdir)}, key=release_key
        )
        recent = [release for release in releases if release_key(release) >= _FIRST_IN_PICTURE]
        say = self.say[language]
        pictures = [
            (s.value, picture(cells(self.catalog, s), capabilities, recent, f"{say[s.value]}: {say['all_releases']}"))
            for s in CUDA_SUBDIRS
        ]
        calendar = [
            (str(capability), [self._calendar(capability, s, say) for s in CUDA_SUBDIRS]) for capability in capabilities
        ]
        yield self._page(
            language,
            "releases.html",
            "releases.html.j2",
            "all_releases",
            pictures=pictures,
            calendar=calendar,
            platforms=[subdir.value for subdir in CUDA_SUBDIRS],
            releases=list(reversed(releases)),
        )
        for release in releases:
            groups = [{"platform": subdir.value, "builds": self._builds(release, subdir)} for subdir in CUDA_SUBDIRS]
            yield self._page(
                language,
                f"torch/{release}.html",
                "torch.html.j2",
                say["page_torch"].replace("{torch}", release),
                release=release,
                released=self.dates.get(release, ""),
                groups=[group for group in groups if group["builds"]],
            )

    def _calendar(self, capability: ComputeCapability, subdir: Subdir, say: Mapping[str, str]) -> dict[str, str]:
        last = self.last_release(capability, subdir)
        if not last:
            return {"text": say["none"], "page": ""}
        date = self.dates.get(last, "")
        return {"text": f"{last} ({date})" if date else last, "page": last}

    def _builds(self, release: str, subdir: Subdir) -> list[dict[str, str]]:
        every = (build for package_set in PackageSet for build in self.catalog.builds(package_set, subdir))
        return [
            {
                "label": build.label,
                "archs": build.arch_list,
                "floor": str(major_floor(build.cuda, subdir, self.catalog) or "?"),
                "pythons": ", ".join(build.pythons),
                "evidence": build.evidence,
                "source": build.source,
            }
            for build in every
            if build.torch == release
        ]


def _changes(answers: Sequence[tuple[str, Answer]]) -> list[dict[str, str]]:
    """The rows of a GPU page: only where the release changes, the newest driver first."""
    rows: list[dict[str, str]] = []
    for driver, answer in answers:
        pip = answer.pip.build.short_label if answer.pip else ""
        conda = answer.conda.build.short_label if answer.conda else ""
        if rows and (rows[-1]["pip"], rows[-1]["conda"]) == (pip, conda):
            continue
        rows.append({"driver": driver, "pip": pip, "conda": conda})
    return [row for row in reversed(rows) if row["pip"] or row["conda"]]


def _commands(answer: Answer | None) -> str:
    if answer is None or answer.pip is None:
        return ""
    pairing = answer.pip
    packages = f"torch=={pairing.build.torch}" + (f" torchvision=={pairing.torchvision}" if pairing.torchvision else "")
    index = "" if pairing.build.on_pypi else f" --index-url {pairing.index_url}"
    return f"pip install {packages}{index}"


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page: nothing from anywhere but the style and the script that are in it."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; "
        f"script-src {_quoted(script)}; img-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _quoted(script: str) -> str:
    return f"'{_hash(script)}'" if script else "'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def _json(value: object) -> str:
    """JSON in ASCII that can stand in a script element."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
