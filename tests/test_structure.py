"""The house rules that a reader would otherwise have to trust: which room imports which, sizes, what a start loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "generator" / "envgen"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 50  # without signature and docstring; the aim is 40

# What would make every start slower (measured alone: 21 ms packaging.version to 480 ms conda_lock).
HEAVY = (
    "asyncio",
    "conda_lock",
    "importlib.metadata",
    "jinja2",
    "packaging",
    "platformdirs",
    "pydantic",
    "rattler",
    "rich",
    "urllib3",
    "uv",
    "yaml",
)
# Rooms that solve, start programs or look at the host. A decision reads which locks are shipped, and no more of them.
OTHER_ROOMS = {
    "envgen.causes",
    "envgen.ci",
    "envgen.doctor",
    "envgen.environments",
    "envgen.lock",
    "envgen.net",
    "envgen.probe",
    "envgen.refresh",
    "envgen.reports",
    "envgen.solve",
}
LOADED = (
    f"print(*sorted(set(sys.modules) & set({HEAVY!r})), *sorted(name for name in sys.modules "
    f"if '.'.join(name.split('.')[:2]) in {OTHER_ROOMS!r}), file=sys.stderr)"
)
# Reading one of these while a module loads makes the host a hidden input of every later answer.
HOST = {
    ("os", "environ"),
    ("os", "getenv"),
    ("os", "getcwd"),
    ("os", "name"),
    ("os", "uname"),
    ("sys", "argv"),
    ("shutil", "which"),
    ("Path", "cwd"),
    ("Path", "home"),
    ("datetime", "now"),
    ("time", "time"),
}
HOST_MODULES = {"platform", "socket", "getpass", "locale"}

module_of = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def test_the_rooms_keep_their_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_place_in_the_contracts() -> None:
    rooms = {f"envgen.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = {room.strip() for layer in contracts[0]["layers"] for room in layer.split("|")}
    assert layers == rooms, "a room has its place in pyproject.toml: [[tool.importlinter.contracts]], layers"
    others = rooms - {"envgen.refresh"}
    assert {*contracts[2]["source_modules"]} == others, "list the room in pyproject.toml: nobody imports refresh"


@module_of
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, "a module answers one question: what answers another goes into a module of its own"


@module_of
def test_a_function_is_short_enough_to_read(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = {function.name: _size(function) for function in functions}
    long = {name: size for name, size in sizes.items() if size > FUNCTION_LINES}
    assert not long, f"a function has at most {FUNCTION_LINES} lines of body: give its parts names"


@pytest.mark.parametrize(
    "path",
    # A child is a program of its own, run by another Python: the host is its subject.
    [path for path in MODULES if not path.name.endswith("_child.py")],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_no_module_reads_the_host_while_it_loads(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [ast.unparse(node) for node in _at_import(tree) if isinstance(node, ast.Attribute) and _reads_host(node)]
    assert not found, "read it in the function that needs it, or take it as an argument"


@pytest.mark.parametrize(
    "source",
    [
        "X = os.environ['A']",
        "class A:\n    x = platform.system()",
        "def f(x=Path.home()): ...",
        "@g(os.name)\ndef f(): ...",
    ],
)
def test_a_read_of_the_host_would_be_seen(source: str) -> None:
    assert any(isinstance(node, ast.Attribute) and _reads_host(node) for node in _at_import(ast.parse(source)))


def test_json_is_read_in_one_place() -> None:
    """`json` raises RecursionError, which is no ValueError, for a thousand brackets, and takes NaN for a number."""
    reads = re.compile(r"\bjson\.loads?\(|\bJSONDecoder\b|from json import")
    found = {path.relative_to(PACKAGE).as_posix() for path in MODULES if reads.search(path.read_text(encoding="utf-8"))}
    assert found == {"core/json_text.py"}, "read JSON with a function of core/json_text.py"


def test_programs_are_started_where_they_are_ended_too() -> None:
    """subprocess.run ends the program alone, and leaves what that started, when a run is stopped."""
    starts = re.compile(r"subprocess\.(?:run|Popen|call|check_\w+)\(|os\.(?:system|popen|spawn\w+|fork)\(")
    found = {path for path in MODULES if starts.search(path.read_text(encoding="utf-8"))}
    allowed = {"probe/process.py", "solve/conda/process.py", "solve/pip/uv.py"}
    starting = {path.relative_to(PACKAGE).as_posix() for path in found}
    assert starting == allowed, "start a program with probe/process.py, which ends what it started, too"


IMPORT_LATER = "import these inside the function that needs them: each costs every start"


@pytest.mark.parametrize("module", ["envgen.cli.app", "envgen.__main__"])
def test_the_command_line_starts_without_heavy_imports(module: str) -> None:
    assert run(f"import sys, {module}\n{LOADED}").stderr.split() == [], IMPORT_LATER


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        pytest.param(["resolve"], "2.14.1", id="resolve"),
        pytest.param(["resolve", "--format", "json"], '"schema_version": 1', id="resolve-as-json"),
        pytest.param(["why-not", "2.15.0+cu132"], "driver", id="why-not"),
    ],
)
def test_a_decision_is_made_without_heavy_imports(arguments: list[str], answer: str) -> None:
    arguments = [*arguments, "--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94"]
    done = run(f"import sys\nfrom envgen.cli.main import main\nassert main({arguments!r}) == 0\n{LOADED}")
    assert answer in done.stdout
    assert set(done.stderr.split()) <= {"envgen.lock", "envgen.lock.shipped"}, IMPORT_LATER


def test_a_shipped_lock_is_written_without_what_solves_or_reads_others_files(tmp_path: Path) -> None:
    arguments = ["--gpu", "GeForce MX450", "--driver", "560.94", "--platform", "win-64", "--offline"]
    arguments += ["--output", str(tmp_path)]
    done = run(f"import sys\nfrom envgen.cli.main import main\nassert main({arguments!r}) == 0\n{LOADED}")
    assert not {*done.stderr.split()} & ({*HEAVY} - {"jinja2"}), IMPORT_LATER


def test_what_a_start_loads_would_be_seen() -> None:
    said = run(f"import sys, asyncio, envgen.solve.conda.child, envgen.core.gpus\n{LOADED}").stderr.split()
    assert {"asyncio", "envgen.solve", "envgen.solve.conda.child"} <= {*said}
    assert "envgen.core.gpus" not in said


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)


def test_every_task_is_explained_and_nothing_else_is_called_one() -> None:
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in guide.partition("| task | does |")[2].splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z]+)`", row.split("|")[1])}
    assert named == {*tasks}, "a task of pyproject.toml has a row in CONTRIBUTING, Tasks"
    called = re.findall(r"\bpoe ([a-z]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert {*called} <= {*tasks}
    assert {"lint", "types", "build", "proofs"} <= {*called}


def _size(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: all but the bodies of functions and of `if __name__`."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        children: list[ast.AST] = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    elif isinstance(node, ast.Lambda) or (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)):
        children = []
    else:
        children = [*ast.iter_child_nodes(node)]
    for child in children:
        yield from _at_import(child)


def _reads_host(node: ast.Attribute) -> bool:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    return owner in HOST_MODULES or (owner, node.attr) in HOST


ROOM_LINES = 2500


ROOMS = sorted({path.parent for path in PACKAGE.rglob("__init__.py")} - {PACKAGE})


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_is_small_enough_to_live_in(room: Path) -> None:
    """A room within a room, such as solve/pip, is one of its own."""
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in room.glob("*.py"))
    limit = 1500 if room.name == "lock" else ROOM_LINES
    assert lines <= limit, "split the room first, in a commit of its own: a room within it counts by itself"
