"""`python -m envgen.refresh TASK`: remake a file of facts, print what changes, write it only with --write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.sites import PYPI
from envgen.facts.tables import data_dir, tables_digest
from envgen.net.deadline import Deadline, Patience
from envgen.refresh.arch_lists import refresh_arch_lists
from envgen.refresh.compile import refresh_compile
from envgen.refresh.index_lists import refresh_index_lists
from envgen.refresh.index_wheels import refresh_wheels
from envgen.refresh.lists.conda_files import FILES, refresh_conda
from envgen.refresh.lists.nvidia import DRIVERS, TOOLKITS, refresh_drivers, refresh_toolkits
from envgen.refresh.lists.pci_ids import PCI_IDS, refresh_pci_ids
from envgen.refresh.lists.published import PUBLISHED, refresh_published
from envgen.refresh.metadata import refresh_companions, refresh_pins
from envgen.refresh.outcome import Inputs, Outcome
from envgen.refresh.pypi_builds import refresh_pypi_torch
from envgen.refresh.reports import refresh_reports
from envgen.refresh.rewrite import changed_files, differences, write_files

_HELP = """Remake a file of facts from its source: print what changes, write it only with --write.

tasks, in the order to run them:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task: what it does in a line, and what it reads from, which decides about its options."""

    title: str
    run: Callable[[Inputs], Outcome]
    reads_indexes: bool = False
    reads_pypi: bool = False
    reads_releases: bool = False
    source: str = ""
    reads_file: bool = False


def refresh_revision(inputs: Inputs) -> Outcome:
    """REVISION: the digest of the tables as they are now, and the day on which it was last another."""
    day, _, before = (inputs.folder / "REVISION").read_text(encoding="utf-8").strip().partition(".")
    digest = tables_digest(inputs.folder)
    return Outcome(files={"REVISION": f"{day if digest == before else inputs.today}.{digest}\n"})


# In the order to run them: each reads what the ones before it write.
TASKS: Mapping[str, Task] = {
    "wheels": Task(title="names and hashes from PyTorch's CUDA indexes", run=refresh_wheels, reads_indexes=True),
    "pypi-torch": Task(title="releases and Pythons of PyPI's own builds", run=refresh_pypi_torch, reads_pypi=True),
    "arch-lists": Task(
        title="what PyPI's newest torch wheels carry, read by ranges",
        run=refresh_arch_lists,
        reads_pypi=True,
        reads_releases=True,
    ),
    "index-lists": Task(
        title="what the wheels of the CUDA indexes carry, read by ranges",
        run=refresh_index_lists,
        reads_indexes=True,
        reads_releases=True,
    ),
    "companions": Task(
        title="companions on PyPI that no release names, by the torch they pin",
        run=refresh_companions,
        reads_pypi=True,
    ),
    "pins": Task(title="CUDA libraries that the metadata of torch's wheels pins", run=refresh_pins),
    "conda": Task(title="conda-forge's packages that are published", run=refresh_conda, source=FILES),
    "drivers": Task(title="the newest driver of each branch", run=refresh_drivers, source=DRIVERS),
    "toolkits": Task(
        title="CUDA toolkits on PyPI and their drivers", run=refresh_toolkits, reads_pypi=True, source=TOOLKITS
    ),
    "published": Task(title="builds that PyTorch's page offers", run=refresh_published, source=PUBLISHED),
    "pci-ids": Task(title="PCI ids of the GPUs that are known", run=refresh_pci_ids, source=PCI_IDS),
    "reports": Task(title="what the smoke test printed with --json, from issues", run=refresh_reports, reads_file=True),
    "compile": Task(title="the tables that are made from the files of the releases", run=refresh_compile),
    "revision": Task(title="the digest of all tables", run=refresh_revision),
}


def main(arguments: list[str] | None = None, folder: Path | None = None) -> int:
    """Run one task and return the exit status: 0 nothing to do, or written; 1 difference or finding; 2 to 5 errors."""
    chosen = _parser().parse_args(arguments)
    try:
        inputs = _inputs(chosen, folder or data_dir())
        return report(TASKS[chosen.task].run(inputs), inputs.folder, write=chosen.write)
    except EnvgenError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def report(outcome: Outcome, folder: Path, *, write: bool) -> int:
    """Print the diff to stdout and the findings to stderr; write the files if asked and allowed to."""
    changed = changed_files(folder, outcome.files)
    sys.stdout.writelines(differences(folder, changed))
    sys.stdout.flush()
    sys.stderr.writelines(f"{finding}\n" for finding in outcome.findings)
    written = write and not outcome.is_refused
    if written:
        write_files(folder, changed)
    return 1 if outcome.findings or (changed and not written) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m envgen.refresh",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_HELP + "\n".join(f"  {name:<12}{task.title}" for name, task in TASKS.items()),
        epilog="exit status: 0 no difference, or written; 1 difference or finding; 2 usage; 4 bad data; 5 network",
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK", help="one of the above; TASK --help")
    for name, task in TASKS.items():
        options = tasks.add_parser(name, description=f"{task.title[0].upper()}{task.title[1:]}.")
        options.add_argument("--write", action="store_true", help="write the files (default: print the difference)")
        if task.reads_indexes:
            options.add_argument(
                "--wheel-mirror", default="", metavar="URL", help="read PyTorch's indexes there (URL/cu126/torch/)"
            )
        if task.reads_pypi:
            options.add_argument("--pypi", default=PYPI, metavar="URL", help="simple index (default: %(default)s)")
        if task.reads_releases:
            options.add_argument(
                "--releases", type=_count, default=3, metavar="N", help="the newest N releases (default: %(default)s)"
            )
        if task.source:
            options.add_argument("--from", dest="source", default="", metavar="URL", help=f"default: {task.source}")
        if task.reads_file:
            options.add_argument(
                "source", metavar="FILE", help="gh issue list --label report --json number,body,author"
            )
        if task.reads_indexes or task.reads_pypi or task.source:
            options.add_argument(
                "--timeout", type=_count, default=600, metavar="SECONDS", help="for all of it (default: %(default)s)"
            )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def _inputs(chosen: argparse.Namespace, folder: Path) -> Inputs:
    from datetime import UTC, datetime

    return Inputs(
        folder=folder,
        today=datetime.now(UTC).date().isoformat(),
        patience=Patience(deadline=Deadline.after(getattr(chosen, "timeout", 0))),
        wheel_mirror=getattr(chosen, "wheel_mirror", ""),
        pypi=getattr(chosen, "pypi", ""),
        releases=getattr(chosen, "releases", 0),
        source=getattr(chosen, "source", "").rstrip("/"),
    )


if __name__ == "__main__":
    sys.exit(main())
