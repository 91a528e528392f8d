"""The main job through the command line, from the shipped locks: files, determinism, refusals, exit statuses."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import tomllib
from pathlib import Path

import pytest
import yaml

from envgen.cli.main import main
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.reading import is_untouched, split
from equipment.file_names import all_names, names_of

MX450 = ["--gpu", "GeForce MX450", "--driver", "560.94", "--offline"]
# What the README and templates/docs/files.md promise; a format that is added is added here.
ONE_PLATFORM = {
    "environment.yml",
    "requirements.txt",
    "conda-lock.yml",
    "conda-win-64.lock",
    "virtual-packages.yml",
    "pylock.toml",
    "smoke_test.py",
}
TWO_PLATFORMS = {
    *(
        f"{name}-{subdir}.{end}"
        for name, end in (("environment", "yml"), ("requirements", "txt"), ("conda", "lock"))
        for subdir in ("win-64", "linux-64")
    ),
    *(f"{subdir}.conda-lock.yml" for subdir in ("win-64", "linux-64")),
    *(f"pylock.{subdir}.toml" for subdir in ("win-64", "linux-64")),
    "virtual-packages.yml",
    "smoke_test.py",
}


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in sorted(folder.iterdir())}


def generate(folder: Path, *arguments: str) -> int:
    return main([*arguments, "--output", str(folder)])


@pytest.fixture
def mx450(tmp_path: Path) -> Path:
    folder = tmp_path / "mx450"
    assert generate(folder, *MX450, "--platform", "win-64") == 0
    return folder


def test_the_students_laptop_gets_seven_files(mx450: Path) -> None:
    """An MX450 with driver 560.94 on Windows: CUDA 12.6 wheels, the last CUDA 12 ones that there are."""
    found = files(mx450)
    assert set(found) == ONE_PLATFORM
    pins = {p["name"]: p["version"] for p in tomllib.loads(found["pylock.toml"])["packages"]}
    assert (pins["torch"], pins["torchvision"]) == ("2.14.1+cu126", "0.29.1+cu126")
    assert "--index-url https://download.pytorch.org/whl/cu126\n" in found["requirements.txt"]
    assert (
        "torch==2.14.1+cu126 --hash=sha256:97e3bc87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4"
        in (found["requirements.txt"])
    )
    assert "pytorch-2.10.0-cuda128" in found["conda-win-64.lock"]
    assert all(is_untouched(text) for text in found.values())


def test_every_requirement_has_a_hash(mx450: Path) -> None:
    _, body = split((mx450 / "requirements.txt").read_text())
    pins = [line for line in body.splitlines() if "==" in line and not line.startswith((" ", "#", "--"))]
    assert pins
    assert all("--hash=sha256:" in line for line in pins)


def test_the_files_are_what_their_readers_read(mx450: Path) -> None:
    found = files(mx450)
    environment = yaml.safe_load(found["environment.yml"])
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert "libcudnn<9.11" in environment["dependencies"]
    assert yaml.safe_load(found["conda-lock.yml"])["metadata"]["platforms"] == ["win-64"]
    assert yaml.safe_load(found["virtual-packages.yml"])["subdirs"]["win-64"]["packages"]["__cuda"] == "12.0"
    lock = tomllib.loads(found["pylock.toml"])
    assert lock["requires-python"] == "==3.12.*"
    assert lock["environments"] == ["sys_platform == 'win32' and platform_machine == 'AMD64'"]
    ast.parse(found["smoke_test.py"], feature_version=(3, 8))


def test_the_header_tells_how_to_create_the_environment_without_a_gpu(mx450: Path) -> None:
    assert "CONDA_OVERRIDE_CUDA=12.8" in (mx450 / "environment.yml").read_text()


def test_twice_gives_the_same_bytes(mx450: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(mx450)
    assert generate(mx450, *MX450, "--platform", "win-64") == 0
    assert files(mx450) == before
    assert "up to date" in capsys.readouterr().err
    other = tmp_path / "spelled differently"
    assert generate(other, "--gpu", "nvidia mx 450", "--driver", "560.94", "--platform", "windows", "--offline") == 0
    assert files(other) == before


def test_a_gpu_that_is_named_twice_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the first line of each file names it twice, and the command in its header makes other files."""
    asked = ["--driver", "560.94", "--platform", "win-64", "--offline"]
    assert generate(tmp_path, "--gpu", "MX450", "--gpu", "nvidia mx 450", *asked) == 0
    assert files(tmp_path)["pylock.toml"].partition("\n")[0].count("GeForce MX450") == 1
    assert generate(tmp_path, "--gpu", "GeForce MX450", *asked, "--check") == 0
    capsys.readouterr()
    assert generate(tmp_path, "--gpu", "MX450", "--compute-capability", "7.5", *asked, "--dry-run", "--diff") == 0
    assert "GeForce MX450 (compute capability 7.5)" in capsys.readouterr().out


def test_two_platforms_have_a_file_each_where_they_differ(tmp_path: Path) -> None:
    arguments = [*MX450, "--platform", "win-64", "--platform", "linux-64", "--driver", "linux-64=560.35.03"]
    assert generate(tmp_path, *arguments) == 0
    found = files(tmp_path)
    assert set(found) == TWO_PLATFORMS
    linux = {p["name"]: p["version"] for p in tomllib.loads(found["pylock.linux-64.toml"])["packages"]}
    assert linux["torch"] == "2.14.1+cu126"
    assert linux["nvidia-cudnn-cu12"] == "9.10.2.21"
    assert generate(tmp_path, *arguments) == 0
    assert files(tmp_path) == found


def test_a_later_run_for_one_platform_removes_what_is_no_longer_part(tmp_path: Path) -> None:
    assert generate(tmp_path, *MX450, "--platform", "win-64", "--platform", "linux-64") == 0
    assert generate(tmp_path, *MX450, "--platform", "win-64") == 0
    assert set(files(tmp_path)) == all_names(Subdir.WIN_64)


def test_check_is_silent_when_nothing_would_change(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert generate(mx450, *MX450[:-1], "--platform", "win-64", "--check") == 0
    assert capsys.readouterr().out == ""


def test_check_shows_a_diff_and_writes_nothing(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(mx450)
    capsys.readouterr()
    assert generate(mx450, "--gpu", "GTX 1080", "--driver", "560.94", "--platform", "win-64", "--check") == 1
    assert "+# envgen" in capsys.readouterr().out
    assert files(mx450) == before


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "never"
    assert generate(folder, *MX450, "--platform", "win-64", "--dry-run") == 0
    assert not folder.exists()
    said = capsys.readouterr().out.splitlines()
    assert "requirements.txt: new" in said
    assert "pip packages in requirements.txt: 13" in said
    assert len(said) <= 12
    assert generate(folder, *MX450, "--platform", "win-64", "--dry-run", "--diff") == 0
    assert "+++ b/requirements.txt" in capsys.readouterr().out


def test_a_dry_run_names_the_packages_that_move(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(mx450)
    capsys.readouterr()
    asked = ("--gpu", "MX450", "--driver", "610.42", "--offline", "--platform", "win-64", "--cuda", "cu130")
    assert generate(mx450, *asked, "--only", "pip", "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert "requirements.txt: changed" in said
    assert "  torch 2.14.1+cu126 -> 2.14.1+cu130" in said
    assert files(mx450) == before


def test_a_run_names_the_packages_that_it_moved_and_shows_lines_on_request(
    mx450: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--gpu", "MX450", "--driver", "610.42", "--offline", "--platform", "win-64", "--only", "pip"]
    capsys.readouterr()
    assert generate(mx450, *asked, "--cuda", "cu130", "--diff") == 0
    said = capsys.readouterr().out
    assert "  torch 2.14.1+cu126 -> 2.14.1+cu130\n" in said
    assert "\n-torch==2.14.1+cu126 " in said


def test_an_edited_file_is_not_overwritten(mx450: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = mx450 / "requirements.txt"
    edited = path.read_text() + "transformers==4.0.0\n"
    path.write_text(edited, newline="\n")
    assert generate(mx450, *MX450, "--platform", "win-64") == 4
    assert "[output-edited]" in capsys.readouterr().err
    assert path.read_text() == edited
    assert generate(mx450, *MX450, "--platform", "win-64", "--force") == 0
    assert path.read_text() != edited


def test_a_dry_run_ends_as_the_run_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text("mine\n")
    dry_run = [*MX450, "--platform", "win-64", "--dry-run"]
    assert generate(tmp_path, *dry_run) == 4
    said = capsys.readouterr()
    assert "requirements.txt: edited by hand, needs --force\n" in said.out
    assert "  requirements.txt: no envgen header\n  hint: --requirements requirements.txt reads it" in said.err
    assert generate(tmp_path, *dry_run, "--force") == 0
    assert files(tmp_path) == {"requirements.txt": "mine\n"}


def test_line_ends_of_git_on_windows_are_no_edit(mx450: Path) -> None:
    for path in mx450.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert generate(mx450, *MX450, "--platform", "win-64") == 0


def test_a_foreign_file_counts_as_edited(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("name: mine\n")
    assert generate(tmp_path, *MX450, "--platform", "win-64") == 4
    assert files(tmp_path) == {"environment.yml": "name: mine\n"}


def test_a_lock_older_than_the_decision_says_so_in_the_headers_of_its_set(mx450: Path) -> None:
    saying = {name for name, text in files(mx450).items() if "[fallback-lock]" in text and "2.13.0 cuda128" in text}
    assert saying == files(mx450).keys() - names_of(PackageSet.PIP)


def test_a_side_without_a_pairing_has_no_files(tmp_path: Path) -> None:
    """GTX 970 on Windows with 2.8: no wheel has code for it; what is left is conda, and nothing of it is shipped."""
    assert generate(tmp_path, "--gpu", "GTX 970", "--torch", "==2.8.*", "--platform", "win-64", "--offline") == 5


BAD_NAMES = [
    "RTX 4900",
    "",
    "x" * 10_000,
    "RTX\n4900",
    'RTX "4900',
    "{{7*7}}",
    "../../etc/passwd",
    "🚀",
    "\x00",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name[:12]))
def test_a_bad_name_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = tmp_path / "out"
    status = generate(folder, "--gpu", name, "--platform", "win-64", "--offline")
    said = capsys.readouterr()
    assert status == 3
    assert said.err.startswith("error: ")
    assert "[gpu-unknown]" in said.err
    assert "49" not in said.err.replace("4900", "") or "{{7*7}}" not in name
    assert all(len(line) < 400 for line in said.err.splitlines())
    assert said.out == ""
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        pytest.param(["--gpu", "MX450", "--driver", "5x"], "value-format", 2, id="driver"),
        pytest.param(["--gpu", "MX450", "--driver", ""], "value-format", 2, id="empty-driver"),
        pytest.param(["--gpu", "MX450", "--python", "4"], "value-format", 2, id="python"),
        pytest.param(["--gpu", "MX450", "--torch", "=="], "value-format", 2, id="torch"),
        pytest.param(["--gpu", "MX450", "--torch", ""], "value-format", 2, id="empty-torch"),
        pytest.param(["--gpu", "MX450", "--cuda", "banana"], "value-format", 2, id="cuda"),
        pytest.param(["--gpu", "MX450", "--glibc", "x"], "value-format", 2, id="glibc"),
        pytest.param(["--gpu", "MX450", "--platform", "solaris"], "usage", 2, id="platform"),
        pytest.param(["--gpu", "MX450", "--frobnicate"], "usage", 2, id="option"),
        pytest.param(["--gpu", "MX450", "--platform", "macos"], "platform-without-cuda", 3, id="macos"),
        pytest.param(["--compute-capability", "x"], "value-format", 2, id="capability"),
        pytest.param(["--compute-capability", "4.9"], "capability-unknown", 3, id="unknown-capability"),
        pytest.param(["--gpu", "Titan X"], "gpu-ambiguous", 3, id="ambiguous"),
        pytest.param(["--gpu", "Radeon RX 7900 XTX"], "other-vendor", 3, id="amd"),
        pytest.param(["--gpu", "Intel Arc A770"], "other-vendor", 3, id="intel"),
        pytest.param(["--gpu", "GTX 780", "--platform", "linux-64"], "no-pairing", 3, id="gtx-780"),
        pytest.param(["--gpu", "RTX 5090", "--driver", "535"], "no-pairing", 3, id="predates"),
    ],
)
def test_bad_input_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str, status: int
) -> None:
    folder = tmp_path / "out"
    assert generate(folder, *arguments, "--offline") == status
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert f"[{code}]" in said.err.splitlines()[0]
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not folder.exists()


def test_other_vendors_are_sent_to_their_own_index(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--gpu", "Radeon RX 7900 XTX"]) == 3
    assert "https://download.pytorch.org/whl/rocm" in capsys.readouterr().err
    assert main(["--gpu", "Intel Arc A770"]) == 3
    assert "https://download.pytorch.org/whl/xpu" in capsys.readouterr().err


def test_gtx_780_is_told_the_python_that_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "--gpu", "GTX 780", "--platform", "linux-64"]) == 3
    assert "--python 3.11" in capsys.readouterr().err


def test_the_output_folder_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    assert generate(path, *MX450, "--platform", "win-64") == 2
    assert "[output-not-a-folder]" in capsys.readouterr().err
    assert path.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere, Windows has other rights")
def test_the_output_folder_is_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert generate(tmp_path, *MX450, "--platform", "win-64") == 2
    assert "[output-not-writable]" in capsys.readouterr().err


def test_resolve_json_is_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", *MX450[:-1], "--platform", "win-64", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema_version"] == 1
    assert answer["request"] | {"platform": "win-64", "python": "3.12", "driver": "560.94"} == answer["request"]
    assert answer["request"]["driver_origin"] == "given"
    assert answer["gpus"] == [
        {
            "input": "GeForce MX450",
            "name": "GeForce MX450",
            "compute_capability": "7.5",
            "architecture": "Turing",
        }
    ]
    pip = answer["pip"]
    assert (pip["torch"], pip["cuda_tag"], pip["torchvision"]) == ("2.14.1", "cu126", "0.29.1")
    assert pip["index_url"] == "https://download.pytorch.org/whl/cu126"
    assert pip["code"] == [{"gpu": "GeForce MX450", "kind": "sass", "arch": "sm_75"}]
    assert pip["driver_floor"] == "528.33"
    conda = answer["conda"]
    assert (conda["pytorch"], conda["cuda_version"], conda["build"]) == ("2.13.0", "12.8", "cuda128*")
    assert conda["channels"] == ["conda-forge"]
    assert answer["locked"] == {"pip": "2.14.1+cu126", "conda": "2.10.0 cuda128"}
    newest = next(r for r in answer["rejected"] if (r["torch"], r["cuda_tag"]) == ("2.15.0", "cu132"))
    assert (newest["code"], newest["unlock"]) == ("driver-too-old", {"driver": "580.88"})


def test_resolve_json_is_a_list_for_several_platforms(capsys: pytest.CaptureFixture[str]) -> None:
    platforms = ["--platform", "win-64", "--platform", "linux-64"]
    assert main(["resolve", *MX450[:-1], *platforms, "--format", "json"]) == 0
    assert [a["request"]["platform"] for a in json.loads(capsys.readouterr().out)] == ["win-64", "linux-64"]


def test_why_not_names_every_reason(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["why-not", "cu130", "--gpu", "GTX 1080", "--driver", "570.133.20", "--platform", "linux-64"]
    assert main([*asked, "--format", "json"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    pip = next(a for a in answers if a["channel"] == "pip")
    assert [reason["code"] for reason in pip["reasons"]] == ["no-kernel-image", "driver-too-old"]
    assert pip["unlock"] == {}


def test_a_mistyped_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolv"]) == 2
    assert "Did you mean 'resolve'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["--gpu", "RTX 3060", "--offline", "resolve"], "--gpu, --offline", id="a-gpu-and-a-flag"),
        pytest.param(["--output", "X", "lock", "--gpu", "RTX 3060"], "--output", id="some-before-some-behind"),
        pytest.param(["-o", "X", "gpus", "3060"], "--output", id="the-short-spelling"),
    ],
)
def test_an_option_in_front_of_a_command_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    """It belongs to the main job, so that the command would run without it: online, or into another folder."""
    assert main(arguments) == 2
    command = next(word for word in arguments if word in ("resolve", "lock", "gpus"))
    assert capsys.readouterr().err == (
        f"error: {named} in front of the command `{command}` would not be read [usage]\n"
        f"  hint: put every option behind it; `envgen {command} --help` lists them\n"
    )


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        pytest.param(["lock", "--gpu", "RTX 3060", "--check"], "envgen lock", id="of-a-command"),
        pytest.param(["--gpu", "RTX 3060", "--strict"], "envgen", id="of-the-main-job"),
        pytest.param(["resolv"], "envgen", id="no-command"),
    ],
)
def test_a_mistyped_option_is_sent_to_the_help_that_lists_the_right_ones(
    capsys: pytest.CaptureFixture[str], arguments: list[str], command: str
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith(f" [usage]\n  hint: run `{command} --help`\n")


def test_the_header_names_the_driver_of_the_build_that_is_locked(tmp_path: Path) -> None:
    """The shipped conda lock is of CUDA 12 (R525); the decision, which is newer, of CUDA 13 (R580)."""
    assert generate(tmp_path, "--gpu", "RTX 3060", "--platform", "linux-64", "--offline") == 0
    header = (tmp_path / "conda-linux-64.lock").read_text(encoding="utf-8")
    assert "cuda12" in header
    assert "driver 525.60.13 or newer" in header
    assert "580." not in header.partition("\n@EXPLICIT")[0]


@pytest.mark.parametrize(
    ("arguments", "is_said"),
    [
        (["--gpu", "K80", "--python", "3.11"], False),  # 2.3.1 is newer than the shipped 2.1.0
        (["--gpu", "RTX 3060", "--cuda", "cu132"], False),  # 2.15.0+cu130 is of the same release
        (["--gpu", "GTX 1080"], True),
    ],
)
def test_nothing_newer_is_said_where_nothing_newer_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], is_said: bool
) -> None:
    assert generate(tmp_path, *arguments, "--platform", "linux-64", "--offline") == 0
    assert ("nothing newer runs: " in capsys.readouterr().out) is is_said


def test_a_name_is_in_every_file_and_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*MX450, "--platform", "win-64", "--name", "my-env")
    assert generate(tmp_path, *asked) == 0
    texts = [capsys.readouterr().out, *files(tmp_path).values()]
    commands = [name for text in texts for name in re.findall(r"--name (\S+)", text.replace("made by: envgen", ""))]
    assert set(commands) == {"my-env"}
    assert '\nname: "my-env"\n' in files(tmp_path)["environment.yml"]
    assert generate(tmp_path, *asked, "--check") == 0
    assert main(["verify", str(tmp_path), "--offline"]) == 0
    assert generate(tmp_path, *MX450, "--platform", "win-64") == 0
    assert '\nname: "pytorch-2.10.0-cuda128"\n' in files(tmp_path)["environment.yml"]


@pytest.mark.parametrize("name", ["my env", "-x", "a/b", "a;reboot", "$x", "x" * 65])
def test_a_name_that_a_shell_could_misread_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert generate(tmp_path, *MX450, "--platform", "win-64", f"--name={name}") == 2
    assert "(from --name) [value-format]" in capsys.readouterr().err


def test_a_folder_of_wheels_needs_no_index_lines(tmp_path: Path) -> None:
    asked = (*MX450, "--platform", "win-64", "--no-index-lines")
    assert generate(tmp_path, *asked) == 0
    text = files(tmp_path)["requirements.txt"]
    assert "\n--" not in text
    assert "torch==2.14.1+cu126 --hash=sha256:" in text
    assert "--no-index-lines" in text.splitlines()[1]
    assert generate(tmp_path, *asked, "--check") == 0
    assert main(["verify", str(tmp_path), "--offline"]) == 0
    assert generate(tmp_path, *MX450, "--platform", "win-64") == 0
    assert "\n--index-url " in files(tmp_path)["requirements.txt"]
