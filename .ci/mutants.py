"""Changes the rules of the decision in many small ways, and lists the changes that no test notices.

mutmut looks for its sources in `src/`, so the package is copied to a folder that is laid out like that. What survives
is printed; wording of messages is not mutated. Pass names of functions (`envgen.resolve.rank*`) for a part.

    pip install "mutmut>=3.8" && poe mutants
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Tests over the whole catalog take too long for each of some 2,500 mutants; the others stand on frozen rows.
SLOW = {"catalog_as_a_value", "last_for_capability", "measured_rules", "properties", "whole_catalog"}
CONFIG = """\
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/envgen/resolve/*"]
pytest_add_cli_args_test_selection = ["tests/resolve"]
# Sentences for people may be reworded any day.
do_not_mutate_patterns = [
  '(message|text|expected|wheel) [+]?= ', 'message=f"', 'return [(]?f"', 'return [(]?"[^"]+ [^"]+ ', '^ *f?"', "^ *'",
  'source="', 'hint="', "hint='", 'raise AssertionError', 'strict=True',
]
# An endless loop is the only thing that takes long here.
timeout_constant = 10.0

[tool.pytest.ini_options]
pythonpath = ["tests"]
addopts = ["-p", "no:cacheprovider"]
"""


# What an earlier test left in a cache hides a function from mutmut, which runs for a mutant the tests that call it.
FORGET = """

@pytest.fixture(autouse=True)
def forget() -> None:
    from envgen.resolve import coverage, evaluation

    coverage.code_in.cache_clear()
    evaluation._coverages.cache_clear()
    evaluation._specifiers.cache_clear()
"""


def bare(source: str) -> str:
    """A module whose properties and caches are made below their functions: mutmut leaves alone what is decorated."""
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: node.lineno, reverse=True):
        for decorator in node.decorator_list:
            text = ast.unparse(decorator)
            if text in ("property", "cached_property") or text.startswith("lru_cache"):
                lines.insert(node.end_lineno or 0, f"{' ' * node.col_offset}{node.name} = {text}({node.name})\n")
                del lines[decorator.lineno - 1]
    return "".join(lines)


def lay_out(folder: Path) -> None:
    """Copy what the fast tests of the decision need."""
    shutil.copytree(ROOT / "generator/envgen", folder / "src/envgen", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "src/envgen/resolve").rglob("*.py"):
        path.write_text(bare(path.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.copytree(ROOT / "tests/equipment", folder / "tests/equipment")
    shutil.copytree(ROOT / "tests/resolve/catalog", folder / "tests/resolve/catalog")
    for path in (ROOT / "tests/resolve").glob("*.py"):
        if path.stem.removeprefix("test_") not in SLOW:
            shutil.copy(path, folder / "tests/resolve")
    conftest = folder / "tests/resolve/conftest.py"
    conftest.write_text(conftest.read_text(encoding="utf-8") + FORGET, encoding="utf-8")
    (folder / "pyproject.toml").write_text(CONFIG, encoding="utf-8")


def mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut in a folder and return what it printed; its progress goes to the terminal.

    Exits when it does, as where it is not installed, or where a test fails before anything was changed.
    """
    command = [sys.executable, "-m", "mutmut", *arguments]
    shown = None if arguments[0] == "run" else subprocess.PIPE
    done = subprocess.run(command, cwd=folder, stdout=shown, text=True, check=False)  # noqa: S603 -- our own command
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout or ""


def main(names: list[str]) -> int:
    """Run the mutants; return 0 when at least nine of ten are killed."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(temporary)
        lay_out(folder)
        mutmut(folder, "run", *names)
        states = dict(re.findall(r"^\s*(\S+): (.+)$", mutmut(folder, "results", "--all", "true"), re.MULTILINE))
        left = [name for name, state in sorted(states.items()) if state not in ("killed", "timeout", "not checked")]
        for name in left:
            print(f"{states[name]}: {name}\n{mutmut(folder, 'show', name)}")
    tried = Counter(name.rpartition(".")[0] for name, state in states.items() if state != "not checked")
    survived = Counter(name.rpartition(".")[0] for name in left)
    for module, count in sorted(tried.items()):
        print(f"{module}: {count - survived[module]} of {count} killed")
    killed, every = tried.total() - len(left), tried.total()
    print(f"{killed} of {every} killed; survivors: {' '.join(left) or 'none'}")
    return 0 if 0 < 0.9 * every <= killed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
