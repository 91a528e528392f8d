"""`envgen lock`: solve again over the network; `--all` remakes the shipped locks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions

All = Annotated[bool, typer.Option("--all", help="Remake the shipped locks (lockfiles/), every lane in parallel.")]
Root = Annotated[str, typer.Option("--root", metavar="DIR", help="With --all: the tree to remake. Default: envgen's.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=32, help="With --all, or several targets: solves at once.")]
Date = Annotated[
    str, typer.Option("--date", metavar="YYYY-MM-DD", help="With --all: the day to write. Default: today.")
]


@options.takes(RequestOptions, WriteOptions, without=("check", "dry_run", "upgrade", "offline"))
def lock_command(
    wanted: RequestOptions,
    writing: WriteOptions,
    everything: All = False,
    root: Root = "",
    jobs: Jobs = 4,
    date: Date = "",
    target: options.TargetNames = None,
) -> None:
    """Solve again against the live indexes and channels (or mirrors), and write the locks.

    The same as `envgen --upgrade`, except that an index which does not answer is an error (exit 5): nothing is taken
    from the shipped locks. With --all the shipped locks themselves are remade; locks made on the same day are kept.
    """
    if everything:
        from envgen.cli.lock_all import lock_all, parse_date
        from envgen.core.paths import tree

        lock_all(Path(root) if root else tree("lockfiles"), wanted, writing, jobs=jobs, date=parse_date(date))
        return
    writing = replace(writing, upgrade=True, may_fall_back=False)
    from envgen.cli.project import project_of

    if (project := project_of(target, wanted)) is not None:
        from envgen.cli.on_targets import generate_targets

        raise typer.Exit(generate_targets(project, writing, jobs))
    from envgen.cli.generate import generate

    raise typer.Exit(generate(wanted, writing))
