"""The main job: decide, lock, write, and say what to do next."""

from __future__ import annotations

from envgen.cli.job import obtain, prepare
from envgen.cli.output import Progress, print_note
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions, check_format


def generate(wanted: RequestOptions, writing: WriteOptions) -> int:
    """Write the environment's files and return the exit status: 0 done, 1 when `--check` finds a difference.

    Raises: OutputEditedError when a file would have to be forced, with `--dry-run` too.
    """
    builds = Catalog.load()
    check_format(writing.format)
    job = prepare(wanted, writing, builds)
    if job.folder.instead_of:
        print_note(f"{', '.join(job.folder.instead_of)} here is not envgen's: the files are for {job.folder.path}/")
    progress = Progress()
    try:
        environments = obtain(job, builds, progress.step, meanwhile=_load_what_follows)
    finally:
        progress.done()
    from envgen.cli.finish import finish, planned

    found = planned(job, environments)
    status = finish(found, builds)
    if found.error is not None:
        raise found.error
    return status


def _load_what_follows() -> None:
    import envgen.cli.finish as follows

    del follows
