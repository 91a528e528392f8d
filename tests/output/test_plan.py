"""What a plan says about each file before anything is written, and its diff."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.files.registry import is_ours
from envgen.output.errors import OutputEditedError, OutputNotFolderError
from envgen.output.plan import Plan, State, make_plan, read_folder, untouched
from files.hostile import ANY_TEXT
from output.written import NAMES, a_run

OLD, NEW = a_run("old"), a_run("new")


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())


def plan_for(folder: Path, files: dict[str, str], *, force: bool = False) -> Plan:
    return make_plan(folder, read_folder(folder), files, force=force)


def states(plan: Plan) -> dict[str, str]:
    return {change.name: change.state.value for change in plan.changes}


def test_an_absent_folder_gets_every_file(tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "none", NEW)
    assert states(plan) == dict.fromkeys(NAMES, "new")
    assert not (tmp_path / "none").exists()


def test_the_files_of_the_same_run_stay(tmp_path: Path) -> None:
    write(tmp_path, NEW)
    plan = plan_for(tmp_path, NEW)
    assert states(plan) == dict.fromkeys(NAMES, "same")
    assert (plan.pending, plan.diff(), plan.torn) == ((), "", False)


def test_a_checkout_with_windows_line_ends_is_the_same(tmp_path: Path) -> None:
    write(tmp_path, {name: text.replace("\n", "\r\n") for name, text in NEW.items()})
    assert plan_for(tmp_path, NEW).pending == ()


def test_files_of_an_older_run_change(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    assert states(plan_for(tmp_path, NEW)) == dict.fromkeys(NAMES, "changed")


def test_a_file_that_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    write(tmp_path, NEW | a_run("other", names=("conda-win-64.lock", "requirements-win-64.txt")))
    plan = plan_for(tmp_path, NEW)
    assert {name for name, state in states(plan).items() if state == "stale"} == {
        "conda-win-64.lock",
        "requirements-win-64.txt",
    }


def test_an_edited_file_is_never_stale(tmp_path: Path) -> None:
    write(tmp_path, NEW)
    edited = a_run("other", names=("conda-win-64.lock",))["conda-win-64.lock"] + "# mine\n"
    write(tmp_path, {"conda-win-64.lock": edited, "requirements-linux-64.txt": "mine\n"})
    plan = plan_for(tmp_path, NEW)
    assert states(plan) == dict.fromkeys(NAMES, "same")
    assert plan.left == ("conda-win-64.lock",)


def test_files_with_other_names_are_nobodys_business(tmp_path: Path) -> None:
    write(tmp_path, NEW | {"train.py": NEW["smoke_test.py"], "environment-mine.yml": OLD["environment.yml"]})
    assert states(plan_for(tmp_path, NEW)) == dict.fromkeys(NAMES, "same")


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("environment.yml", True),
        ("environment-linux-aarch64.yml", True),
        ("conda-lock.yml", True),
        ("win-64.conda-lock.yml", True),
        ("conda-win-64.lock", True),
        ("virtual-packages.yml", True),
        ("requirements.txt", True),
        ("requirements-win-64.txt", True),
        ("pylock.toml", True),
        ("pylock.linux-64.toml", True),
        ("smoke_test.py", True),
        ("requirements-dev.txt", False),
        ("environment.yaml", False),
        ("Requirements.txt", False),
        ("conda-osx-64.lock", False),
        ("requirements.txt.bak", False),
    ],
)
def test_the_names_that_envgen_writes(name: str, ours: bool) -> None:
    assert is_ours(name) is ours


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        pytest.param(
            b"name: mine\n",
            "no envgen header",
            "--environment environment.yml reads it as what you ask for; pass another --output for the lock",
            id="written-by-hand",
        ),
        pytest.param(
            OLD["environment.yml"].encode() + b"  - scipy\n",
            "its body no longer has the digest of its header",
            "pass --force to replace, or --output to write elsewhere",
            id="edited",
        ),
        pytest.param(b"\xff\xfe\x00", "a link, or no text that can be read", "pass another --output", id="no-text"),
        pytest.param(b"", "no envgen header", "pass another --output", id="empty"),
    ],
)
def test_an_edited_file_is_refused_and_force_says_what_it_does(
    tmp_path: Path, text: bytes, why: str, hint: str
) -> None:
    (tmp_path / "environment.yml").write_bytes(text)
    with pytest.raises(OutputEditedError) as caught:
        plan_for(tmp_path, NEW)
    assert str(caught.value) == (
        "environment.yml was edited since envgen wrote it, or not written by envgen: not overwritten [output-edited]\n"
        f"  environment.yml: {why}\n"
        f"  hint: {hint}"
    )
    assert states(plan_for(tmp_path, NEW, force=True))["environment.yml"] == "edited"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").mkdir()
    with pytest.raises(OutputEditedError) as caught:
        plan_for(tmp_path, NEW)
    assert str(caught.value) == (
        "environment.yml was edited since envgen wrote it, or not written by envgen: not overwritten [output-edited]\n"
        "  environment.yml: a folder\n"
        "  hint: move environment.yml away (--force replaces no folder), or pass --output to write elsewhere"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
def test_a_link_is_not_followed_and_a_pipe_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, OLD)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "environment.yml").symlink_to(outside / "environment.yml")
    (folder / "conda-lock.yml").symlink_to(outside / "nothing")
    os.mkfifo(folder / "requirements.txt")
    with pytest.raises(OutputEditedError) as caught:
        plan_for(folder, NEW)
    assert [name for name, _ in caught.value.edited] == ["conda-lock.yml", "environment.yml", "requirements.txt"]


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(OutputNotFolderError) as caught:
        read_folder(tmp_path / "out")
    assert caught.value.exit_code == 2
    assert str(caught.value).endswith("(from --output) [output-not-a-folder]\n  there is a file of that name")


def test_files_of_two_runs_are_a_torn_set(tmp_path: Path) -> None:
    write(tmp_path, OLD | {"environment.yml": NEW["environment.yml"]})
    plan = plan_for(tmp_path, NEW)
    assert plan.torn
    assert states(plan)["environment.yml"] == "same"


def test_an_edited_file_of_an_older_run_does_not_make_a_set_torn(tmp_path: Path) -> None:
    write(tmp_path, NEW | {"conda-win-64.lock": OLD["environment.yml"] + "mine\n"})
    assert not plan_for(tmp_path, NEW).torn


def test_only_untouched_files_give_pins() -> None:
    found = {"requirements.txt": OLD["requirements.txt"], "environment.yml": "mine", "conda-lock.yml": None}
    assert untouched(found) == {"requirements.txt": OLD["requirements.txt"]}


def test_the_diff_says_what_comes_changes_and_goes(tmp_path: Path) -> None:
    write(tmp_path, {"environment.yml": "one\ntwo\n", "conda-win-64.lock": a_run("x", names=("c",))["c"]})
    plan = plan_for(tmp_path, {"environment.yml": "one\n2", "smoke_test.py": "new\n"}, force=True)
    assert plan.diff().startswith(
        "--- a/environment.yml\n+++ b/environment.yml\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\\ No newline at end of file\n"
        "--- /dev/null\n+++ b/smoke_test.py\n@@ -0,0 +1 @@\n+new\n"
        "--- a/conda-win-64.lock\n+++ /dev/null\n@@ -1,9 +0,0 @@\n-# envgen 0.1.0: t\n"
    )


def test_the_diff_of_what_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_bytes(b"\xff")
    plan = plan_for(tmp_path, {"environment.yml": "new\n"}, force=True)
    assert plan.diff() == (
        "--- a/environment.yml\n+++ b/environment.yml\nwhat is there is no text and would be replaced\n"
    )


@given(ANY_TEXT)
def test_a_diff_can_not_act_on_a_terminal(text: str) -> None:
    found = {"environment.yml": text}
    diff = make_plan(Path("x"), found, {"environment.yml": "new\n"}, force=True).diff()
    assert diff.isascii()
    assert all(c.isprintable() or c in "\n\t" for c in diff)


LINES = st.lists(st.text(st.sampled_from("ab \t"), max_size=3), max_size=8).map("\n".join)


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize(
    ("old", "new"),
    [("a\nb\nc\n", "a\nc\nd\n"), ("a", "a\n"), ("a\n", "a"), ("a\n" * 40 + "b\n", "x\n" + "a\n" * 40 + "c")],
)
def test_git_applies_the_diff(tmp_path: Path, old: str, new: str) -> None:
    gone = a_run("gone", names=("conda-win-64.lock",))
    write(tmp_path, {"environment.yml": old, **gone})
    plan = plan_for(tmp_path, {"environment.yml": new, "smoke_test.py": "new\n"}, force=True)
    command = ["git", "apply", "--unsafe-paths", f"--directory={tmp_path}", "-"]
    subprocess.run(command, input=plan.diff().encode(), cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert {path.name: path.read_bytes().decode() for path in tmp_path.iterdir()} == {
        "environment.yml": new,
        "smoke_test.py": "new\n",
    }


@given(LINES, LINES)
def test_there_is_a_diff_when_and_only_when_a_file_changes(old: str, new: str) -> None:
    plan = make_plan(Path("x"), {"environment.yml": old}, {"environment.yml": new}, force=True)
    assert (plan.diff() == "") == (old == new)
    assert (plan.changes[0].state is State.SAME) == (old == new)
