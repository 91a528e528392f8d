"""`envgen site`: the static site that answers without an install."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli.output import Progress, write_line


def site_command(
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Folder of the site, replaced whole.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that holds other files.")] = False,
) -> None:
    """Write the static site: the finder, a page a GPU, a page a PyTorch release, lock files and the data set.

    It needs no server: open index.html from the folder, or put the folder on any web server.

    Example: envgen site --output public
    """
    from envgen.core.paths import tree
    from envgen.site.build import Site
    from envgen.site.write import check_place, write_site

    check_place(Path(output), force=force)
    progress = Progress()
    progress.step("deciding for every capability, platform, driver and Python")
    site = Site.load(tree("lockfiles"))
    progress.step("writing the pages")
    count = write_site(Path(output), site.files(), force=force)
    progress.done()
    write_line(f"{count} files were written to {Path(output).as_posix()}; open index.html")
