"""Makes the environments of a project's targets: read together, solved side by side, each written when it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path

from envgen.cli.finish import Obtained, planned, tell, write
from envgen.cli.job import Job, obtain, prepare
from envgen.cli.output import ManySteps, print_error, write_answer, write_line
from envgen.cli.planned import emit_moved
from envgen.cli.project import Project
from envgen.cli.summary import pairings
from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.stop import end_threads_work
from envgen.facts.catalog import Catalog
from envgen.output.moved import moved_sets
from envgen.request.settings import TEXT, WriteOptions, check_format
from envgen.solve.once import Answers
from envgen.targets.keys import OF_A_RUN
from envgen.targets.manifest import Target

JOBS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of one target: its files, or the error that it ended with."""

    target: Target
    found: Obtained | None = None
    error: EnvgenError | None = None


def generate_targets(project: Project, writing: WriteOptions, jobs: int = JOBS) -> int:
    """Make the environments of the targets and return the exit status: the worst of them.

    A target that fails costs only itself: what the others came to is written.
    """
    builds = Catalog.load()
    check_format(writing.format)
    writing = _absolute(writing)
    with chdir(project.manifest.root):
        made = [*_make(project.targets, writing, builds, jobs)]
        by_name = {one.target.name: one for one in made}
        statuses = [_tell(project, by_name[target.name]) for target in project.targets]
        if writing.format != TEXT:
            done = ((name, one.found) for name, one in by_name.items() if one.found is not None)
            order = [target.name for target in project.targets]
            sets = sorted(((name, found.plan) for name, found in done), key=lambda one: order.index(one[0]))
            emit_moved(writing.format, [moved for name, plan in sets for moved in moved_sets(plan, name)])
    failed = [target.name for target, status in zip(project.targets, statuses, strict=True) if status > 1]
    if failed:
        others = "; the others are done" if len(failed) < len(statuses) else ""
        write_line(f"{len(failed)} of {len(statuses)} targets failed: {', '.join(failed)}{others}")
    return max(statuses)


def _make(targets: Sequence[Target], writing: WriteOptions, builds: Catalog, jobs: int) -> Iterator[Made]:
    ready: list[tuple[Target, Job]] = []
    for target in targets:
        try:
            ready.append((target, prepare(target.wanted, of_target(target, writing), builds)))
        except EnvgenError as error:
            yield Made(target=target, error=error)
    steps, answers = ManySteps(len(ready)), Answers()

    def work(target: Target, job: Job) -> Obtained:
        try:
            return planned(job, obtain(job, builds, lambda text: steps.step(target.name, text), answers=answers))
        finally:
            steps.end(target.name)

    try:
        with _pool(jobs) as pool:
            futures = {pool.submit(work, target, job): target for target, job in ready}
            for future in as_completed(futures):
                yield _written(futures[future], future)
    finally:
        steps.done()


def _written(target: Target, future: Future[Obtained]) -> Made:
    """What came of a target; its files are written at once, so that a stop later on does not cost them."""
    try:
        found = future.result()
        write(found)
    except EnvgenError as error:
        return Made(target=target, error=error)
    return Made(target=target, found=found, error=found.error)


def _tell(project: Project, made: Made) -> int:
    """Say what became of a target, and return its exit status."""
    name = f"{made.target.name} ({project.shown(made.target)})"
    status, error = 0, made.error
    if made.found is not None:
        is_checked = made.found.job.writing.check
        is_text = made.found.job.writing.format == TEXT
        if is_text and (not is_checked or made.found.plan.pending):
            write_answer(f"{name}\n")
        try:
            status = tell(made.found, f"{made.target.name}: ")
        except EnvgenError as refusal:
            error = error or refusal
        if is_text and not (is_checked or made.found.job.writing.dry_run):
            write_answer("".join(f"  {line}\n" for line in pairings(made.found.environments, made.found.job.writing)))
    if error is not None:
        write_line(f"target {name}:")
        print_error(error)
    return max(status, error.exit_code if error is not None else 0)


def of_target(target: Target, run: WriteOptions) -> WriteOptions:
    """The options about a target's files, with those of the run: mirrors of the command line come before the file's."""
    return replace(
        target.writing,
        **{name: getattr(run, name) for name in OF_A_RUN},
        may_fall_back=run.may_fall_back,
        conda_mirror=run.conda_mirror or target.writing.conda_mirror,
        wheel_mirror=run.wheel_mirror or target.writing.wheel_mirror,
        write_mirror=run.write_mirror or target.writing.write_mirror,
    )


def _absolute(writing: WriteOptions) -> WriteOptions:
    """The options with mirrors that are folders as whole paths: the work is done in the project's folder."""

    def whole(mirror: str) -> str:
        return str(Path(mirror).resolve()) if mirror and Path(mirror).is_dir() else mirror

    return replace(writing, conda_mirror=whole(writing.conda_mirror), wheel_mirror=whole(writing.wheel_mirror))


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads whose work is ended when the block is left by an error or a stop."""
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        end_threads_work()
        raise
    finally:
        pool.shutdown()
