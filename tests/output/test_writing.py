"""Writing: every file is whole or absent, whatever fails or dies, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from envgen.output.errors import (
    OutputBusyError,
    OutputChangedError,
    OutputFullError,
    OutputNotFolderError,
    OutputNotWritableError,
)
from envgen.output.plan import make_plan, read_folder
from envgen.output.writing import apply
from output.written import NAMES, SEVEN, a_run, content, write

OLD, NEW = a_run("old"), a_run("new")
TESTS = Path(__file__).parents[1]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights, links and signals")


def test_a_new_folder_and_its_parents_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", NEW)
    assert content(tmp_path / "a" / "b") == NEW


def test_files_change_and_stale_ones_go(tmp_path: Path) -> None:
    write(tmp_path, OLD | a_run("old", names=("conda-win-64.lock",)))
    (tmp_path / "train.py").write_text("mine", encoding="utf-8")
    write(tmp_path, NEW)
    assert content(tmp_path) == NEW | {"train.py": "mine"}


def test_line_ends_are_unix_on_every_system(tmp_path: Path) -> None:
    write(tmp_path, NEW)
    assert not any(b"\r" in path.read_bytes() for path in tmp_path.iterdir())


def test_nothing_is_touched_when_nothing_changes(tmp_path: Path) -> None:
    write(tmp_path, NEW)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} | {"": tmp_path.stat().st_mtime_ns}
    write(tmp_path, NEW)
    assert before == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} | {
        "": tmp_path.stat().st_mtime_ns
    }


def test_force_replaces_an_edited_file(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("mine\n", encoding="utf-8")
    write(tmp_path, NEW, force=True)
    assert content(tmp_path) == NEW


@posix
def test_a_file_keeps_its_rights(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    (tmp_path / "environment.yml").chmod(0o640)
    write(tmp_path, NEW)
    assert (tmp_path / "environment.yml").stat().st_mode & 0o777 == 0o640


@posix
def test_force_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious", encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "environment.yml").symlink_to(outside)
    write(folder, NEW, force=True)
    assert content(folder) == NEW
    assert not (folder / "environment.yml").is_symlink()
    assert outside.read_text(encoding="utf-8") == "precious"


@posix
def test_a_folder_behind_a_link_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", NEW)
    assert content(tmp_path / "real") == NEW


# What stands in the way


def test_a_file_in_place_of_a_parent_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x", encoding="utf-8")
    with pytest.raises(OutputNotFolderError, match=r"\[output-not-a-folder\]") as caught:
        apply(make_plan(tmp_path / "a" / "b", {}, NEW, force=False))
    assert caught.value.exit_code == 2
    assert content(tmp_path) == {"a": "x"}


def test_a_folder_in_place_of_a_file_stays_even_with_force(tmp_path: Path) -> None:
    write(tmp_path, {name: text for name, text in OLD.items() if name != "requirements.txt"})
    (tmp_path / "requirements.txt").mkdir()
    with pytest.raises(OutputNotWritableError, match=r"a folder is where a file goes: .*requirements\.txt"):
        write(tmp_path, NEW, force=True)
    (tmp_path / "requirements.txt").rmdir()
    assert content(tmp_path) == {name: text for name, text in OLD.items() if name != "requirements.txt"}


@posix
@pytest.mark.skipif(sys.platform != "linux", reason="drops its rights as Linux does")
def test_a_read_only_folder_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write(folder, OLD)
    folder.chmod(0o555)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from envgen.output.errors import OutputNotWritableError\n"
        "from output.written import a_run, write\n"
        "import envgen.files.header, tempfile, shutil, fcntl\n"
        f"folder = os.open({str(folder)!r}, os.O_RDONLY)\n"
        "os.fchdir(folder)\n"  # the folders above are not open to the other user
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: write(Path(), a_run('new'))\n"
        "except OutputNotWritableError as error: print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    folder.chmod(0o755)
    assert done.stdout == (
        ". cannot be written (from --output) [output-not-writable]\n"
        "  Permission denied\n"
        "  hint: pass another --output\n"
    )
    assert content(folder) == OLD


def failing_at(number: int, code: int) -> Any:
    """A stand-in for os.fsync that fails at its n-th call, as a full disk does."""
    calls = iter(range(1, 100))

    def fsync(descriptor: int) -> None:
        if next(calls) == number:
            raise OSError(code, os.strerror(code))

    return fsync


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
@pytest.mark.parametrize("there", [{}, OLD], ids=["new-folder", "older-files"])
def test_a_full_disk_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, there: dict[str, str]
) -> None:
    folder = tmp_path / "a" / "out"
    if there:
        write(folder, there)
    monkeypatch.setattr("envgen.output.writing.os.fsync", failing_at(number, errno.ENOSPC))
    with pytest.raises(OutputFullError) as caught:
        write(folder, NEW)
    assert caught.value.exit_code == 5
    assert str(caught.value).splitlines()[1:] == [
        "  No space left on device",
        "  nothing in the folder was changed",
        "  hint: make room, or pass an --output on another disk",
    ]
    if there:
        assert content(folder) == there
    else:
        assert content(tmp_path) == {}


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=30)


def test_a_disk_that_is_really_full_keeps_the_older_files(tiny_disk: Path) -> None:
    write(tiny_disk, OLD)
    with pytest.raises(OutputFullError):
        write(tiny_disk, a_run("new", size=2000))
    assert content(tiny_disk) == OLD
    write(tiny_disk, NEW)
    assert content(tiny_disk) == NEW


@pytest.mark.parametrize("failing", range(1, 7))
def test_a_rename_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    there = a_run("old", names=("conda-win-64.lock", "environment.yml", "pylock.toml", "requirements.txt"))
    write(tmp_path, there)
    real_replace, real_unlink, calls = Path.replace, Path.unlink, iter(range(1, 100))

    def once(path: Path) -> None:
        if next(calls) == failing:
            raise PermissionError(errno.EACCES, "held by another program", str(path))

    def replace(self: Path, target: Path) -> Path:
        once(target)
        return real_replace(self, target)

    def unlink(self: Path, missing_ok: bool = False) -> None:
        once(self)
        real_unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(OutputNotWritableError, match="held by another program"):
        write(tmp_path, NEW)
    monkeypatch.undo()
    assert content(tmp_path) == there


def test_without_hard_links_a_rename_that_fails_is_undone_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("envgen.output.writing.os.link", no_link)
    test_a_rename_that_fails_is_undone(tmp_path, monkeypatch, 4)


def test_an_interrupt_between_two_renames_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, OLD)
    real, calls = Path.replace, iter(range(1, 100))

    def replace(self: Path, target: Path) -> Path:
        done = real(self, target)
        if next(calls) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, NEW)
    assert content(tmp_path) == OLD


# Other runs, and people


def test_an_edit_made_while_envgen_worked_is_kept(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    plan = make_plan(tmp_path, read_folder(tmp_path), NEW, force=False)
    (tmp_path / "environment.yml").write_text("mine\n", encoding="utf-8")
    with pytest.raises(OutputChangedError) as caught:
        apply(plan)
    assert str(caught.value) == (
        f"environment.yml was changed while envgen worked: nothing in {tmp_path.as_posix()} was written"
        " [output-changed]\n  hint: run it again"
    )
    assert content(tmp_path) == OLD | {"environment.yml": "mine\n"}


def test_a_file_that_came_while_envgen_worked_is_kept(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, {}, NEW, force=False)
    (tmp_path / "requirements.txt").write_text("mine\n", encoding="utf-8")
    with pytest.raises(OutputChangedError):
        apply(plan)
    assert content(tmp_path) == {"requirements.txt": "mine\n"}


def test_two_runs_that_want_the_same_may_both_end(tmp_path: Path) -> None:
    write(tmp_path, OLD | a_run("old", names=("conda-win-64.lock",)))
    plans = [make_plan(tmp_path, read_folder(tmp_path), NEW, force=False) for _ in range(2)]
    for plan in plans:
        apply(plan)
    assert content(tmp_path) == NEW


HOLD = """
import sys
from pathlib import Path
from envgen.output.writing import _held
with _held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is writing into the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_says_that_the_folder_is_busy(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(OutputBusyError) as caught:
        write(tmp_path, NEW)
    assert str(caught.value) == (
        f"another envgen is writing into {tmp_path.as_posix()} at this moment [output-busy]\n"
        "  hint: wait for it, or pass another --output"
    )
    assert not {*content(tmp_path)} & {*NAMES}
    holder.communicate("")
    write(tmp_path, NEW)
    assert content(tmp_path) == NEW


def test_the_lock_of_a_killed_run_is_gone(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    write(tmp_path, NEW)
    assert content(tmp_path) == NEW


@posix
def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    write(tmp_path, NEW)
    assert content(tmp_path) == NEW


RACE = """
import sys
from pathlib import Path
from envgen.output.errors import OutputBusyError, OutputChangedError
from output.written import SEVEN, a_run, write
folder, files = Path(sys.argv[1]), a_run(sys.argv[2], names=SEVEN, size=2000)
print("ready", flush=True)
sys.stdin.readline()
try:
    write(folder, files)
    print("wrote")
except (OutputBusyError, OutputChangedError) as error:
    print(error.code)
"""


@pytest.mark.parametrize("number", range(3))
def test_of_runs_at_once_the_files_are_those_of_one(tmp_path: Path, number: int) -> None:
    marks = [f"{number} {mark}" for mark in "abc"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path / "out"), mark],
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for mark in marks
    ]
    assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert "wrote" in said
    assert {*said} <= {"wrote", "output-busy", "output-changed"}
    assert [process.returncode for process in processes] == [0, 0, 0]
    winners = [mark for mark, word in zip(marks, said, strict=True) if word == "wrote"]
    assert content(tmp_path / "out") in [a_run(mark, names=SEVEN, size=2000) for mark in winners]


def test_a_folder_of_the_users_own_is_never_cleared(tmp_path: Path) -> None:
    (tmp_path / ".envgen-cache").mkdir()
    write(tmp_path, NEW)
    assert (tmp_path / ".envgen-cache").is_dir()


def test_a_torn_set_is_completed(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    (tmp_path / "environment.yml").write_bytes(NEW["environment.yml"].encode())
    rest = tmp_path / ".envgen-partial-abc" / "new"
    rest.mkdir(parents=True)
    (rest / "requirements.txt").write_text("half", encoding="utf-8")
    plan = make_plan(tmp_path, read_folder(tmp_path), NEW, force=False)
    assert plan.torn
    apply(plan)
    assert content(tmp_path) == NEW


def test_what_a_killed_run_left_goes_even_when_nothing_changes(tmp_path: Path) -> None:
    write(tmp_path, NEW)
    (tmp_path / ".envgen-partial-abc").mkdir()
    write(tmp_path, NEW)
    assert content(tmp_path) == NEW
