"""The options about files and sources, shared by the commands that write."""

from __future__ import annotations

from typing import Annotated

from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.sites import Mirrors
from envgen.request.options import Option

TEXT, JSON, MARKDOWN = "text", "json", "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """The options about files and sources. Without `may_fall_back` an index that doesn't answer is an error."""

    with_packages: Annotated[
        tuple[str, ...],
        Option("--with", "PACKAGE", "A further requirement, resolved and locked together. Repeatable."),
    ] = ()
    requirements: Annotated[
        tuple[str, ...],
        Option(
            "--requirements",
            "FILE",
            "Requirements as pip reads them, or a pyproject.toml: they are locked together with torch. Repeatable.",
        ),
    ] = ()
    environments: Annotated[
        tuple[str, ...],
        Option("--environment", "FILE", "A conda environment file; its pip section goes to the pip set. Repeatable."),
    ] = ()
    extras: Annotated[tuple[str, ...], Option("--extra", "NAME", "An extra of that pyproject.toml. Repeatable.")] = ()
    groups: Annotated[tuple[str, ...], Option("--group", "NAME", "A group of that pyproject.toml. Repeatable.")] = ()
    channels: Annotated[
        tuple[str, ...],
        Option("--channel", "NAME|URL", "A conda channel beside conda-forge, read after it. Repeatable."),
    ] = ()
    sources: Annotated[
        tuple[str, ...],
        Option(
            "--allow-source",
            "NAME",
            "This package may be locked as a source distribution, built on the machine that installs it. Repeatable.",
        ),
    ] = ()
    only: Annotated[
        tuple[str, ...],
        Option(
            "--only",
            "pip|conda",
            "Ask for one set alone, which is then required. Repeatable (win-64=pip: on one platform). Default: both.",
        ),
    ] = ()
    output: Annotated[
        str | None,
        Option("--output", "DIR", "Folder to write into. Default: this one, or envs/NAME below it.", short="-o"),
    ] = None
    name: Annotated[
        str,
        Option("--name", "ENV", "Name of conda's environment in every file and command. Default: that of the build."),
    ] = ""
    index_lines: Annotated[
        bool,
        Option("--no-index-lines", help="requirements.txt without index lines, to install from a folder of wheels."),
    ] = True
    force: Annotated[bool, Option("--force", help="Replace files that were edited, or that envgen did not write.")] = (
        False
    )
    check: Annotated[
        bool, Option("--check", help="Write nothing; exit 1 and show a diff if a file would change. No network.")
    ] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="Write nothing; list the files that would change and the packages that move.")
    ] = False
    diff: Annotated[bool, Option("--diff", help="Show the lines that change, too.")] = False
    upgrade: Annotated[bool, Option("--upgrade", help="Solve anew instead of keeping the pins in the folder.")] = False
    format: Annotated[
        str,
        Option("--format", "text|json|markdown", "How to say which packages moved. All but text print nothing else."),
    ] = TEXT
    offline: Annotated[
        bool,
        Option("--offline", help="No network at all: shipped locks and caches only.", environment="ENVGEN_OFFLINE"),
    ] = False
    conda_mirror: Annotated[
        str,
        Option(
            "--conda-mirror",
            "URL|DIR",
            "Read conda channels there; the files keep the canonical URLs.",
            environment="ENVGEN_CONDA_MIRROR",
        ),
    ] = ""
    wheel_mirror: Annotated[
        str,
        Option(
            "--wheel-mirror",
            "URL|DIR",
            "Read PyTorch's wheel indexes there; the files keep the canonical URLs.",
            environment="ENVGEN_WHEEL_MIRROR",
        ),
    ] = ""
    write_mirror: Annotated[bool, Option("--write-mirror", help="Write the mirrors' URLs into the files too.")] = False
    timeout_s: Annotated[
        int,
        Option(
            "--timeout",
            "SECONDS",
            "Longest wait for all servers and solvers together.",
            environment="ENVGEN_TIMEOUT",
            minimum=1,
        ),
    ] = 300
    lang: Annotated[
        str,
        Option(
            "--lang",
            "en|ko",
            "Language of what is said after writing. Default: the locale's.",
            environment="ENVGEN_LANG",
        ),
    ] = ""
    may_fall_back: bool = True

    @property
    def mirrors(self) -> Mirrors:
        """Where the traffic goes."""
        return Mirrors(conda=self.conda_mirror, wheels=self.wheel_mirror, written=self.write_mirror)


def check_format(text: str) -> None:
    """Raise ValueFormatError for a `--format` that there is none of."""
    if text not in (TEXT, JSON, MARKDOWN):
        raise ValueFormatError(kind="format", value=text, expected="text, json or markdown", origin="--format")
