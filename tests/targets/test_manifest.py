"""A project's file: what its targets ask for, and every mistake at once, each with its line."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from envgen.core.platforms import Subdir
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.targets.errors import ManifestError
from envgen.targets.manifest import Target, find_manifest
from envgen.targets.read import read_manifest
from targets.schema import PATH, schema_text

# The example of the design.
EXAMPLE = """\
python = "3.12"
requirements = ["requirements.in"]
[targets.lab]                       # -> envs/lab/, or output = "DIR"
machines = [{gpu = "GTX 1080 Ti", driver = "550.54.15"}, {gpu = "RTX 4090", driver = "580.95.05"}]
platform = ["linux-64"]
runner = "self-hosted,gpu,lab"
[targets.laptop]
gpu = "GeForce MX450"
driver = "560.94"
platform = ["win-64"]
only = "pip"
"""
LINUX = 'platform = "linux-64"\n'
MISSPELT = [(2, "targets.a.gpus"), (3, "targets.a.platforms")]
GOOD = '[targets.a]\ngpu = "RTX 4090"\nplatform = "linux-64"\n'


PYPROJECT = '[project]\nname = "p"\nversion = "0"\n[project.optional-dependencies]\nx = ["einops"]\n'


def two(first: str, second: str) -> str:
    """Two targets with their folders; the names that Windows keeps are in its "Naming Files, Paths, and Namespaces"."""
    other = GOOD[12:]
    return f'{GOOD}output = "{first}"\n[targets.b]\n{other}output = "{second}"\n'


def write(folder: Path, text: str, name: str = "envgen.toml") -> Path:
    (folder / "requirements.in").write_text("einops\n", encoding="utf-8")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path) -> list[tuple[int, str, str]]:
    """Line, place and text of each mistake."""
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert caught.value.exit_code == 2
    return [(one.line, one.place, one.text) for one in caught.value.mistakes]


def test_targets_are_the_options_of_the_command_line(tmp_path: Path) -> None:
    lab, laptop = read_manifest(write(tmp_path, EXAMPLE)).targets
    assert lab == Target(
        name="lab",
        line=3,
        wanted=RequestOptions(
            machines=("GTX 1080 Ti;550.54.15", "RTX 4090;580.95.05"), platforms=("linux-64",), python="3.12"
        ),
        writing=WriteOptions(requirements=("requirements.in",), output="envs/lab"),
        runners={Subdir.LINUX_64: "self-hosted,gpu,lab"},
    )
    assert laptop == Target(
        name="laptop",
        line=7,
        wanted=RequestOptions(gpus=("GeForce MX450",), drivers=("560.94",), platforms=("win-64",), python="3.12"),
        writing=WriteOptions(requirements=("requirements.in",), only=("pip",), output="envs/laptop"),
    )


def test_the_same_stands_in_pyproject(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\n[tool.envgen]\n" + EXAMPLE.replace("[targets", "[tool.envgen.targets")
    shared = read_manifest(write(tmp_path, text, "pyproject.toml")).targets
    own = read_manifest(write(tmp_path, EXAMPLE)).targets
    assert [one.wanted for one in shared] == [one.wanted for one in own]
    assert [one.line for one in shared] == [6, 10]


def test_tables_keyed_by_platform(tmp_path: Path) -> None:
    text = """\
[targets.fleet]
gpu = "RTX 4090"
platform = ["linux-64", "win-64"]
driver = {linux-64 = "550.54.15", win-64 = ["560.94", "572.16"]}
glibc = {linux-64 = "2.35"}
only.win-64 = "pip"
runner = {win-64 = "self-hosted,windows"}
vision = false
audio = true
"""
    (fleet,) = read_manifest(write(tmp_path, text)).targets
    assert fleet.wanted.drivers == ("linux-64=550.54.15", "win-64=560.94", "win-64=572.16")
    assert fleet.wanted.glibc == ("linux-64=2.35",)
    assert fleet.writing.only == ("win-64=pip",)
    assert fleet.runners == {Subdir.WIN_64: "self-hosted,windows"}
    assert (fleet.wanted.vision, fleet.wanted.audio) == (False, True)
    (spelled,) = read_manifest(write(tmp_path, text.replace("vision = false", "no-vision = true"))).targets
    assert spelled == fleet


def test_labels_of_a_runner_may_be_a_list(tmp_path: Path) -> None:
    (target,) = read_manifest(write(tmp_path, GOOD + 'runner = ["self-hosted", "gpu"]\n')).targets
    assert target.runners == {Subdir.LINUX_64: "self-hosted,gpu"}


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        found = mistakes(write(tmp_path, GOOD + 'requirements = "pipe"\n'))
        assert found == [(4, "targets.a.requirements", "pipe is no file")]


def test_a_targets_own_value_takes_the_place_of_the_files(tmp_path: Path) -> None:
    text = 'with = ["einops"]\npython = "3.13"\n' + GOOD + 'with = []\npython = "3.11"\n[targets.b]\n' + GOOD[12:]
    a, b = read_manifest(write(tmp_path, text)).targets
    assert (a.writing.with_packages, a.wanted.python) == ((), "3.11")
    assert (b.writing.with_packages, b.wanted.python) == (("einops",), "3.13")


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
python = 3.12
pyton = "3.11"
[targets.lab]
machines = [{gpu = "GTX 1080 Ti"},
            {gpu = "RTX 4900", driver = "580.95.05"}, {gpu = "RTX 4090", drver = "1"}]
platform = ["linux-64", "lnux"]
[targets.laptop]
gpu = "GeForce MX450"
driver = "12.6"
only = "pipp"
[targets.b]
gpu = "RTX 4090"
platform = "linux-64"
output = "envs/lab"
driver = {lnx = "1"}
[targets.c]
platform = "linux-64"
output = "../x"
requirements = "absent.txt"
[targets."d e"]
gpu = 7.5
platform = true
torch = ">>2"
runner = "a b"
"""
    found = mistakes(write(tmp_path, text))
    assert [(line, place) for line, place, _ in found] == [
        (1, "python"),
        (2, "pyton"),
        (5, "targets.lab.machines[1]"),
        (5, "targets.lab.machines[2].drver"),
        (6, "targets.lab.platform[1]"),
        (7, "targets.laptop"),
        (9, "targets.laptop.driver"),
        (10, "targets.laptop.only"),
        (14, "targets.b.output"),
        (15, "targets.b.driver.lnx"),
        (16, "targets.c"),
        (18, "targets.c.output"),
        (19, "targets.c.requirements"),
        (20, 'targets."d e"'),
        (21, 'targets."d e".gpu'),
        (22, 'targets."d e".platform'),
        (23, 'targets."d e".torch'),
        (24, 'targets."d e".runner'),
    ]
    said = {line: text for line, _, text in found}
    assert said[1] == '3.12 is a number, and must be a string: python = "3.12"'
    assert said[2] == "no key of the file itself; the nearest is python"
    assert said[7] == (
        "it has no platform, and none is taken from this computer: "
        "platform = one of linux-64, win-64, linux-aarch64, osx-arm64"
    )
    assert said[9].startswith('"12.6" is a CUDA version, not a driver version; ')
    assert said[14] == "its folder envs/lab is that of target lab, at line 3"
    assert said[16] == 'it has no GPU: gpu = "RTX 4090", machines = [...], or cuda = "cpu"'
    assert "(from --" not in str(said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [(1, "targets")], id="empty"),
        pytest.param('python = "3.12"\n[target.a]\ngpu = "x"\n', [(1, "targets"), (2, "target")], id="wrong-table"),
        pytest.param("targets = 3\n", [(1, "targets")], id="no-table"),
        pytest.param("[targets]\na = 3\n", [(2, "targets.a")], id="target-is-no-table"),
        pytest.param(GOOD + "gpu = 'x'\n[targets.a]\n", [(4, "targets.a.gpu"), (5, "targets.a")], id="stated-twice"),
        pytest.param("[targets.a]\ngpu = \n", [(2, "")], id="no-toml"),
        pytest.param("[targets.a\n", [(1, "")], id="torn-header"),
        pytest.param("x = " + "[" * 5000, [(1, "")], id="nested-too-deeply"),
        pytest.param("a." * 5000 + "b = 1\n", [(1, "")], id="too-many-dots"),
        pytest.param(GOOD + 'output = ""\n', [(4, "targets.a.output")], id="empty-value"),
        pytest.param(GOOD + 'output = "/etc"\n', [(4, "targets.a.output")], id="absolute"),
        pytest.param(GOOD + 'output = "C:/x"\n', [(4, "targets.a.output")], id="drive"),
        pytest.param(GOOD + 'output = "a\\\\b"\n', [(4, "targets.a.output")], id="backslash"),
        pytest.param(GOOD + 'output = "envs/con"\n', [(4, "targets.a.output")], id="reserved-on-windows"),
        pytest.param(GOOD + 'output = "link/x"\n', [(4, "targets.a.output")], id="link-to-another-place"),
        pytest.param(GOOD + 'output = "loop/x"\n', [(4, "targets.a.output")], id="link-in-a-circle"),
        pytest.param(GOOD + 'output = "requirements.in"\n', [(4, "targets.a.output")], id="a-file"),
        pytest.param(GOOD + "[targets.A]\n" + GOOD[12:], [(4, "targets.A.output")], id="folders-alike-on-windows"),
        pytest.param(two("envs/x", "envs//x/"), [(8, "targets.b.output")], id="one-folder-by-slashes"),
        pytest.param(two("sub/x", "inside/x"), [(8, "targets.b.output")], id="one-folder-by-a-link"),
        pytest.param(two("caf\u00e9", "cafe\u0301"), [(8, "targets.b.output")], id="folders-alike-on-a-mac"),
        pytest.param(GOOD + 'output = "requirements.in/x"\n', [(4, "targets.a.output")], id="below-a-file"),
        pytest.param(GOOD + 'output = "-x"\n', [(4, "targets.a.output")], id="an-option"),
        pytest.param(GOOD + 'output = "x/lpt\u00b2.txt"\n', [(4, "targets.a.output")], id="port-in-superscript"),
        pytest.param(GOOD + 'output = "conin$"\n', [(4, "targets.a.output")], id="console-input"),
        pytest.param(
            GOOD + "requirements = 'p.toml'\nextra = ['x', 'y']\ngroup = 'z'\n",
            [(5, "targets.a.extra[1]"), (6, "targets.a.group")],
            id="each-extra-and-group",
        ),
        pytest.param(GOOD + "vision = true\nno-vision = true\n", [(5, "targets.a.no-vision")], id="said-twice"),
        pytest.param(GOOD + "machines = []\nwith = []\n", None, id="empty-lists"),
        pytest.param('[targets.a]\nmachines = []\nplatform = "linux-64"\n', [(1, "targets.a")], id="no-machines"),
        pytest.param(GOOD + "machines = ['x']\n", [(4, "targets.a.machines[0]")], id="a-machine-as-text"),
        pytest.param(GOOD + "machines = [{}]\n", [(4, "targets.a.machines[0]")], id="a-machine-without-gpu"),
        pytest.param(GOOD + "machines = {gpu = 'T4'}\n", [(4, "targets.a.machines")], id="one-machine-as-table"),
        pytest.param(GOOD + "requirements = ['a.in']\n", [(4, "targets.a.requirements[0]")], id="circle"),
        pytest.param(GOOD + "requirements = ['c.in']\n", [(4, "targets.a.requirements[0]")], id="circle-by-folders"),
        pytest.param(GOOD + "requirements = ['/x.in']\n", [(4, "targets.a.requirements[0]")], id="absolute-input"),
        pytest.param(GOOD + "with = ['torch==2.9']\n", [(4, "targets.a.with[0]")], id="torch-is-no-package"),
        pytest.param(GOOD + "name = 'a b'\n", [(4, "targets.a.name")], id="name"),
        pytest.param(GOOD + "driver = 2020-01-01\n", [(4, "targets.a.driver")], id="a-date"),
        pytest.param(f"{GOOD}[targets.b]\ngpu = ['cpu', 'T4']\n{LINUX}", [(5, "targets.b.gpu[0]")], id="cpu-and-gpu"),
        pytest.param(GOOD + "[targets.b]\ncuda = 'cpu'\nplatform = 'osx-arm64'\n", None, id="cpu-on-a-mac"),
        pytest.param(GOOD + 'output = ".git/x"\n', [(4, "targets.a.output")], id="gits-own-folder"),
        pytest.param(GOOD + 'output = "~/x"\n', [(4, "targets.a.output")], id="no-home"),
        pytest.param(GOOD + 'driver = {win-64 = "560.94"}\n', [(4, "targets.a.driver.win-64")], id="driver-elsewhere"),
        pytest.param(GOOD + 'only = {win-64 = "pip"}\n', [(4, "targets.a.only.win-64")], id="only-elsewhere"),
        pytest.param(GOOD + 'runner = {win-64 = "x"}\n', [(4, "targets.a.runner.win-64")], id="runner-elsewhere"),
        pytest.param("[targets.a]\ngpus = 'T4'\nplatforms = 'linux-64'\n", MISSPELT, id="misspelt-once"),
        pytest.param("gpu = 'T4'\n" + GOOD, [(1, "gpu")], id="of-a-target"),
        pytest.param(f"{GOOD}extra = 'x'\n", [(4, "targets.a.extra")], id="extra-of-nothing"),
        pytest.param(f"{GOOD}requirements = 'sub'\n", [(4, "targets.a.requirements")], id="a-folder"),
        pytest.param(f"{GOOD}channel = 'https://me:secret@x/c'\n", [(4, "targets.a.channel")], id="login"),
        pytest.param("wheel-mirror = 'nowhere'\n" + GOOD, [(1, "wheel-mirror")], id="mirror"),
        pytest.param('[targets."a\\nb"]\n' + GOOD[12:], [(1, 'targets."a\\nb"')], id="a-name-of-two-lines"),
        pytest.param(GOOD + "timeout = '3'\n", [(4, "targets.a.timeout")], id="an-option-of-a-run"),
        pytest.param(
            '[targets.a]\ngpu = ["GTX 1080 Ti", "RTX 4090"]\ndriver = ["550.54.15", "595.10"]\nplatform="linux-64"\n',
            [(1, "targets.a")],
            id="bounds-that-conflict",
        ),
    ],
)
def test_a_bad_file(tmp_path: Path, text: str, expected: list[tuple[int, str]] | None) -> None:
    (tmp_path / "a.in").write_text("-r b.in\n", encoding="utf-8")
    (tmp_path / "b.in").write_text("numpy\n-r a.in\n", encoding="utf-8")
    (tmp_path / "sub").mkdir()
    (tmp_path / "c.in").write_text("-r sub/../c.in\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path.parent)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "inside").symlink_to("sub")
    (tmp_path / "p.toml").write_text(PYPROJECT, encoding="utf-8")
    path = write(tmp_path, text)
    if expected is None:
        assert read_manifest(path).targets
    else:
        assert [(line, place) for line, place, _ in mistakes(path)] == expected


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\x00", b"[targets]\n\0", b"# " + b"x" * (1 << 20)],
    ids=["no-utf-8", "nul", "huge"],
)
def test_what_is_no_text_of_a_project(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "envgen.toml"
    path.write_bytes(data)
    assert [line for line, _, _ in mistakes(path)] == [1]


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "envgen.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [target.line for target in read_manifest(path).targets] == [1]


def test_the_nearest_file_above_counts_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    deep = tmp_path / "repository" / "src" / "package"
    deep.mkdir(parents=True)
    write(tmp_path, GOOD)
    assert find_manifest(deep) == tmp_path / "envgen.toml"
    (tmp_path / "repository" / ".git").mkdir()
    assert find_manifest(deep) is None
    (deep / "pyproject.toml").write_text("[project]\nname = 'envgen'\n", encoding="utf-8")
    shared = deep.parent / "pyproject.toml"
    shared.write_text("[tool.envgen]\n", encoding="utf-8")
    assert find_manifest(deep) == shared
    write(deep.parent, GOOD)
    assert find_manifest(deep) == deep.parent / "envgen.toml"


def test_what_only_looks_like_a_projects_file_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "envgen.toml").mkdir()
    (tmp_path / "pyproject.toml").write_text("envgen = [\n", encoding="utf-8")
    assert find_manifest(tmp_path) is None
    if os.name == "posix":
        (tmp_path / "pyproject.toml").unlink()
        os.mkfifo(tmp_path / "pyproject.toml")
        assert find_manifest(tmp_path) is None


def test_the_published_schema_is_that_of_the_keys_and_takes_the_example() -> None:
    """After a change of an option: PYTHONPATH=tests python -m targets.schema."""
    assert PATH.read_text(encoding="utf-8") == schema_text()
    validator = Draft202012Validator(json.loads(schema_text()))
    validator.validate(tomllib.loads(EXAMPLE))
    assert not validator.is_valid(tomllib.loads(EXAMPLE + 'drivr = "1"\n'))


def test_an_error_of_several_lines_is_one_mistake_on_one(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("dependencies: [a\n", encoding="utf-8")
    ((line, _, text),) = mistakes(write(tmp_path, GOOD + "environment = 'env.yml'\n"))
    assert line == 4
    assert "it is not YAML" in text
    assert "\n" not in text
