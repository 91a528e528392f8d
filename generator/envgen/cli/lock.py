"""`envgen lock`: solve again over the network; `--all` remakes the shipped locks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options

All = Annotated[bool, typer.Option("--all", help="Remake the shipped locks (lockfiles/), every lane in parallel.")]
Root = Annotated[str, typer.Option("--root", metavar="DIR", help="With --all: the tree to remake. Default: envgen's.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=32, help="With --all: solves at once.")]
Date = Annotated[
    str, typer.Option("--date", metavar="YYYY-MM-DD", help="With --all: the day to write. Default: today.")
]


def lock_command(
    gpu: options.Gpu = None,
    compute_capability: options.Capability = None,
    driver: options.Driver = None,
    platform: options.Platform = None,
    python: options.Python = None,
    glibc: options.Glibc = None,
    torch: options.Torch = None,
    cuda: options.Cuda = None,
    no_vision: options.NoVision = False,
    audio: options.Audio = False,
    with_packages: options.With = None,
    output: options.Output = ".",
    force: options.Force = False,
    conda_mirror: options.CondaMirror = "",
    wheel_mirror: options.WheelMirror = "",
    write_mirror: options.WriteMirror = False,
    timeout: options.Timeout = 300,
    everything: All = False,
    root: Root = "",
    jobs: Jobs = 4,
    date: Date = "",
) -> None:
    """Solve again against the live indexes and channels (or mirrors), and write the locks.

    The same as `envgen --upgrade`, except that an index which does not answer is an error (exit 5): nothing is taken
    from the shipped locks. With --all the shipped locks themselves are remade; locks made on the same day are kept.
    """
    if everything:
        from envgen.cli.lock_all import LockAllOptions, lock_all, parse_date

        lock_all(
            Path(root) if root else None,
            LockAllOptions(
                platforms=tuple(platform or ()),
                pythons=(python,) if python else (),
                conda_mirror=conda_mirror,
                wheel_mirror=wheel_mirror,
                timeout_s=timeout,
                jobs=jobs,
                date=parse_date(date),
                force=force,
            ),
        )
        return
    from envgen.cli.generate import WriteOptions, generate
    from envgen.cli.request import RequestOptions

    wanted = RequestOptions(
        gpus=gpu,
        capabilities=compute_capability,
        driver=driver,
        platforms=platform,
        python=python,
        glibc=glibc,
        torch=torch,
        cuda=cuda,
        vision=not no_vision,
        audio=audio,
    )
    writing = WriteOptions(
        output=output,
        force=force,
        upgrade=True,
        conda_mirror=conda_mirror,
        wheel_mirror=wheel_mirror,
        write_mirror=write_mirror,
        timeout_s=timeout,
        with_packages=tuple(with_packages or ()),
        may_fall_back=False,
    )
    raise typer.Exit(generate(wanted, writing))
