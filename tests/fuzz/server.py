"""A warm parent: everything of envgen is imported once, and each run is a fork of it that ends as a real one does.

`python -m fuzz.server` reads a run a line from standard input (JSON) and answers each with what came of it. With the
argument `bare` nothing of envgen is there: a run is the Python code that its last word is.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn

MEMORY = 4 << 30
DEVICES = ("/dev/null", "/dev/full", "/dev/tty", "/proc/self/mem")
# Audit event -> which of its arguments are paths, and where the descriptor of the folder stands that each begins in.
CHANGES = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
}
IS_BARE = sys.argv[1:] == ["bare"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def warm() -> None:
    """Import every module that a command may need, and read the catalog."""
    import envgen

    for module in pkgutil.walk_packages(envgen.__path__, "envgen."):
        if not module.name.startswith(("envgen.refresh", "envgen.__main__")):
            importlib.import_module(module.name)
    from envgen.cli.main import main
    from envgen.files.formats.conda_lock_v1 import load_conda_lock_package

    load_conda_lock_package()
    main(["resolve", "--gpu", "RTX 4090", "--driver", "570.133.20", "--platform", "linux-64"])


def guard(allowed: str, told: int) -> None:
    """Refuse what would change a file outside a folder, and tell of it and of every connection."""

    def tell(kind: str, what: object) -> None:
        os.write(told, (json.dumps([kind, str(what)[:300]]) + "\n").encode())

    def check(path: Any, folder: object = None) -> None:
        if isinstance(path, int):
            return
        text = os.fsdecode(path)
        in_folder = isinstance(folder, int) and folder >= 0
        base = Path(f"/proc/self/fd/{folder}").readlink() if in_folder else Path()
        whole = os.path.realpath(base / text)
        if whole in DEVICES or f"{whole}/".startswith(f"{allowed}/"):
            return
        tell("writes", whole)
        raise PermissionError(13, "Permission denied", text)

    def read(path: Any) -> None:
        """Refuse what its owner may not read: for root, too."""
        try:
            may = isinstance(path, int) or Path(os.fsdecode(path)).stat().st_mode & 0o400
        except (OSError, ValueError, TypeError):
            return
        if not may:
            raise PermissionError(13, "Permission denied", path)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            check(arguments[0])
        elif event in ("open", "os.listdir", "os.scandir"):
            read(arguments[0])
        elif event == "socket.connect":
            tell("connects", arguments[1])
        elif event in CHANGES:
            for at, folder in CHANGES[event]:
                check(arguments[at], arguments[folder] if folder is not None else None)

    sys.addaudithook(hook)


def child(run: dict[str, Any]) -> NoReturn:
    """Be the run: in its folder, with its environment and streams, and with limits."""
    os.setsid()
    cpu = int(run["cpu_s"])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    told = os.open(run["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, name in enumerate(("in", "out", "err")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(run[name], flags, 0o600), number)
    os.chdir(run["cwd"])
    os.environ.clear()
    os.environ.update(run["environ"])
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    guard(os.path.realpath(run["allowed"]), told)
    if IS_BARE:
        exec(run["line"][-1], {})
        sys.stderr.flush()
    else:
        from envgen.cli.main import main, run_process

        run_process(lambda: main(run["line"]))
    os._exit(0)


def answer(run: dict[str, Any]) -> dict[str, Any]:
    """Fork a run, wait for it and say how it ended: status (below 0: by that signal), seconds, and what it left."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            child(run)
        except SystemExit as error:
            sys.stderr.flush()
            os._exit(int(str(error.code)))
        except BaseException:  # noqa: BLE001 -- the judge sees the traceback
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
        finally:
            os._exit(99)
    is_late = []

    def end(*_: object) -> None:
        is_late.append(True)
        os.killpg(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(int(run["wall_s"]))
    _, status, usage = os.wait4(pid, 0)
    signal.alarm(0)
    left = True
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        left = False
    return {
        "status": os.waitstatus_to_exitcode(status),
        "wall_s": time.monotonic() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "late": bool(is_late),
        "left_child": left and not is_late,
    }


def serve() -> NoReturn:
    """Answer runs until standard input ends."""
    requests, answers = os.fdopen(os.dup(0), encoding="ascii"), os.fdopen(os.dup(1), "w", encoding="ascii")
    with Path(os.devnull).open("r+b") as null:
        os.dup2(null.fileno(), 0)
        os.dup2(null.fileno(), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as envgen does, which the runs show
        if not IS_BARE:
            warm()
    gc.collect()
    gc.freeze()
    print(json.dumps("ready"), file=answers, flush=True)
    for line in requests:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
    os._exit(0)


if __name__ == "__main__":
    serve()
