"""The README's and the documents' output and tables are what the program says today."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from envgen.ci.matrix import HOSTED_RUNNERS
from envgen.cli.app import COMMANDS
from envgen.cli.lock_all import PYTHONS
from envgen.cli.main import main
from envgen.core.platforms import CUDA_SUBDIRS
from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.environments.reader import Reader
from envgen.facts.catalog import Catalog
from envgen.lock.shipped import ShippedLocks
from envgen.resolve import resolve
from envgen.resolve.shipped import newest
from envgen.site.docs import DOCS
from equipment.requests import ask

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("of_all_releases")
GPUS = (
    ("Kepler (K80)", "3.7"),
    ("Maxwell, Pascal, Volta", "5.0 5.2 6.0 6.1 7.0"),
    ("Turing", "7.5"),
    ("Ampere, Ada, Hopper", "8.0 8.6 8.9 9.0"),
    ("Blackwell", "10.0 12.0"),
)


def table() -> str:
    builds = Catalog.load()

    def words(resolution: Resolution) -> str:
        pip = resolution.pip
        return f"{pip.build.torch}+{pip.build.cuda_tag} ({pip.driver_floor})" if pip else "none"

    lines = [
        "| GPUs | compute capability | Linux | Windows | Linux with driver 570 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, capabilities in GPUS:
        found = [
            words(resolve(builds, request))
            for request in (
                ask(capabilities, "linux-64"),
                ask(capabilities, "win-64"),
                ask(capabilities, "linux-64", "570.133.20"),
            )
        ]
        lines.append(f"| {name} | {capabilities.replace(' ', ', ')} | {' | '.join(found)} |")
    return "\n".join(lines)


def check_page(text: str, old: str, request: pytest.FixtureRequest, page: str = "README.md") -> None:
    """A page holds a text; --update-golden puts it where the pattern `old` finds the one before."""
    readme = ROOT / page
    said = readme.read_text(encoding="utf-8")
    if request.config.getoption("update_golden"):
        said = re.sub(old, lambda _: text, said, count=1, flags=re.DOTALL | re.MULTILINE)
        readme.write_text(said, encoding="utf-8")
    assert text in said, f"{page} is not what the program says now: `poe readme` writes it anew"


def test_the_table_is_the_catalogs(request: pytest.FixtureRequest) -> None:
    check_page(table(), r"^\| GPUs \| compute capability .*?(?=\n\n)", request)


_CUDA = {subdir: HOSTED_RUNNERS[subdir] for subdir in CUDA_SUBDIRS}


def proven() -> str:
    """Lane -> how many of its locks the workflow `environments` builds, by the runner that each subdir has."""
    builds, shipped = Catalog.load(), ShippedLocks.read(ROOT / "lockfiles").locks
    lines = [
        f"| lane | {' | '.join(f'{subdir}, `{runner}`' for subdir, runner in _CUDA.items())} |",
        f"| --- |{' --- |' * len(_CUDA)}",
    ]
    for lane in builds.lanes:
        cells = []
        for subdir in _CUDA:
            requests = [lane.request(subdir, python, builds.default_glibc) for python in PYTHONS]
            found = subdir in lane.subdirs
            pip = sum(newest(PackageSet.PIP, shipped, request, builds) is not None for request in requests if found)
            conda = sum(newest(PackageSet.CONDA, shipped, request, builds) is not None for request in requests if found)
            cells.append(", ".join(f"{count} {kind}" for kind, count in (("pip", pip), ("conda", conda)) if count))
        lines.append(f"| {lane.title} | {' | '.join(cell or 'none' for cell in cells)} |")
    return "\n".join(lines)


def test_the_table_of_what_ci_proves_is_the_matrix(request: pytest.FixtureRequest) -> None:
    check_page(proven(), r"^\| lane \| .*?(?=\n\n)", request, "templates/docs/ci.md")


def test_the_output_is_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Reader, "of", lambda folder: Reader(folder=folder))
    arguments = ["--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert '    envgen --gpu "GeForce MX450" --platform win-64 --driver 560.94\n' in readme
    assert main([*arguments, "--offline"]) == 0
    check_page(f"```text\n{capsys.readouterr().out}```", r"```text\nGeForce MX450.*?```", request)


def test_the_lines_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(.*?)```", text, re.S)
    commands = re.findall(r"^\$ (.*)$", block, re.M)
    assert commands[0] == "cat requirements.txt"
    Path("requirements.txt").write_text("torch==2.15.0\n", encoding="utf-8")
    printed = "$ cat requirements.txt\ntorch==2.15.0\n"
    for command in commands[1:]:
        program, *arguments = shlex.split(command)
        assert program == "envgen"
        main(arguments)
        printed += f"$ {command}\n{capsys.readouterr().out}"
    check_page(f"```console\n{printed}```", r"```console\n.*?```", request)


def test_every_command_exists_and_is_in_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    page = (ROOT / "templates" / "docs" / "commands.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n  {command} " in said
        assert re.search(rf"`envgen {command}\b", page), command
    assert {*re.findall(r"`envgen ([a-z][a-z-]*)", page)} == {*COMMANDS}


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", *(f"templates/docs/{name}.md" for name in DOCS)])
def test_what_a_page_links_to_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "templates" / "docs" / "ko").iterdir()), ids=lambda path: path.name)
def test_a_korean_document_has_the_parts_of_the_english_one(path: Path) -> None:
    """As many headings, rows and numbered points, the same commands to paste, and in a table the same first cells."""
    own, english = (text.read_text(encoding="utf-8") for text in (path, path.parents[1] / path.name))
    for pattern in (r"^#+ ", r"^\d+\. ", r"^    .*$", r"^\| `[^|]*\|"):
        found = [re.findall(pattern, text, re.MULTILINE) for text in (own, english)]
        assert found[0] == found[1], pattern
