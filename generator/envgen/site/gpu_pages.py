"""A page a GPU, and the list of all: what runs on it, without a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import venv_command, venv_python
from envgen.resolve.install import install_commands
from envgen.site.decisions import JETPACK, Answer, Table
from envgen.site.frame import Frame, Page
from envgen.site.names import NameTables
from envgen.site.releases import last_release, released

_PYTHON = "3.12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a GPU's page says of one platform. `rows` are (driver or JetPack, pip, conda), the newest driver first."""

    platform: str
    answer: str
    ending: str
    rows: Sequence[tuple[str, str, str]]
    commands: str


def gpu_pages(frame: Frame, catalog: Catalog, names: NameTables, table: Table) -> Iterator[Page]:
    """The list of all GPUs, and a page for each."""
    say = frame.say
    every = list(zip(names.gpus, names.slugs, strict=True))
    groups: dict[tuple[ComputeCapability, str], list[tuple[str, str]]] = {}
    for gpu, slug in every:
        groups.setdefault((gpu.capability, gpu.architecture), []).append((gpu.name, f"gpu/{slug}.html"))
    yield frame.page("gpus.html", "gpus.html.j2", say["all_gpus"], groups=sorted(groups.items(), reverse=True))
    parts = {
        (capability, subdir): _part(frame, catalog, table, capability, subdir)
        for capability in catalog.support
        for subdir in CUDA_SUBDIRS
    }
    for gpu, slug in every:
        only = catalog.home(gpu)
        own = [parts[gpu.capability, subdir] for subdir in CUDA_SUBDIRS if only in (None, subdir)]
        summary = " ".join(f"{say[part.platform]}: {part.answer}" for part in own)
        title = frame.fill("page_gpu", gpu=gpu.name)
        yield frame.page(f"gpu/{slug}.html", "gpu.html.j2", title, summary, gpu=gpu, parts=own, only=only)


def _part(frame: Frame, catalog: Catalog, table: Table, capability: ComputeCapability, subdir: Subdir) -> Part:
    answers = [(driver, table.answers[at]) for driver, at in table.rows[capability, subdir, _PYTHON]]
    newest = next((answer for _, answer in reversed(answers) if answer.pip or answer.conda), None)
    return Part(
        platform=subdir.value,
        answer=_answer(frame, newest),
        ending=_ending(frame, catalog, table, capability, subdir) if newest is None or newest.pip else "",
        rows=_changes(answers),
        commands=_commands(newest, subdir),
    )


def _answer(frame: Frame, newest: Answer | None) -> str:
    pairing = newest and (newest.pip or newest.conda)
    if not pairing:
        return frame.say["gpu_answer_none"]
    key = "gpu_answer" if newest and newest.pip else "gpu_answer_conda"
    return frame.fill(key, torch=pairing.build.short_label, floor=str(pairing.driver_floor))


def _ending(frame: Frame, catalog: Catalog, table: Table, capability: ComputeCapability, subdir: Subdir) -> str:
    last, platform = last_release(table, capability, subdir), frame.say[subdir.value]
    if not last:
        return frame.fill("never_served", platform=platform)
    if last == catalog.builds(PackageSet.PIP, subdir)[-1].torch:
        return frame.fill("still_served", platform=platform)
    date = released().get(last, "")
    return frame.fill("last_build", platform=platform, torch=last, date=f" ({date})" if date else "")


def _changes(answers: Sequence[tuple[str, Answer]]) -> list[tuple[str, str, str]]:
    """Driver, pip's and conda's build, only where a build changes, the newest driver first."""
    rows: list[tuple[str, str, str]] = []
    for driver, answer in answers:
        builds = [pairing.build.short_label if pairing else "" for pairing in (answer.pip, answer.conda)]
        if not rows or [*rows[-1][1:]] != builds or driver.startswith(JETPACK):
            rows.append((driver.removesuffix(".00"), builds[0], builds[1]))
    return [row for row in reversed(rows) if row[1] or row[2]]


def _commands(answer: Answer | None, subdir: Subdir) -> str:
    if answer is None or answer.pip is None:
        return "\n".join(install_commands(answer.conda)) if answer and answer.conda else ""
    (install,) = install_commands(answer.pip)
    return f"{venv_command(subdir, _PYTHON)}\n{venv_python(subdir)} -m {install}"
