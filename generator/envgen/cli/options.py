"""The options that several commands share, as annotated types: one wording, one place."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class OutputFormat(StrEnum):
    """How a reporting command prints."""

    TEXT = "text"
    JSON = "json"


Gpu = Annotated[
    list[str] | None,
    typer.Option(
        "--gpu",
        metavar="NAME",
        help="GPU as you, nvidia-smi, lspci or Device Manager write it, or a PCI id (10de:1f97). Repeat for several "
        "GPUs in one environment. Without it this computer's own GPUs are looked up.",
    ),
]
Capability = Annotated[
    list[str] | None,
    typer.Option("--compute-capability", metavar="X.Y", help="Instead of, or beside, a name. Repeatable."),
]
Driver = Annotated[
    str | None,
    typer.Option(
        "--driver",
        metavar="VERSION",
        help="Driver of the target (nvidia-smi shows it), such as 560.94 or 535. Default: this computer's for its own "
        "GPU, else the newest that serves the GPU.",
    ),
]
Platform = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="SUBDIR",
        help="linux-64, win-64 or linux-aarch64. Repeatable. Default: this computer's.",
    ),
]
Python = Annotated[
    str | None, typer.Option("--python", metavar="X.Y", help="Python of the environment. Default: 3.12, on any host.")
]
Glibc = Annotated[str | None, typer.Option("--glibc", metavar="X.Y", help="glibc of a Linux target. Default: 2.28.")]
Torch = Annotated[
    str | None,
    typer.Option("--torch", metavar="SPEC", help='PyTorch releases to choose from: 2.9, 2.8.0, ">=2.6,<2.9".'),
]
Cuda = Annotated[str | None, typer.Option("--cuda", metavar="TAG", help="CUDA of the build, such as cu126 or 12.6.")]
NoVision = Annotated[bool, typer.Option("--no-vision", help="Leave torchvision out.")]
Audio = Annotated[bool, typer.Option("--audio", help="Add torchaudio.")]
With = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="PACKAGE", help="A further requirement, resolved and locked together. Repeatable."),
]
Output = Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that were edited, or that envgen did not write.")]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit 1 and show a diff if a file would change. No network.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would be written.")]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Solve anew instead of keeping the pins in the folder.")]
Offline = Annotated[bool, typer.Option("--offline", help="No network at all: shipped locks and caches only.")]
CondaMirror = Annotated[
    str,
    typer.Option(
        "--conda-mirror", metavar="URL|DIR", help="Read conda channels there; the files keep the canonical URLs."
    ),
]
WheelMirror = Annotated[
    str,
    typer.Option(
        "--wheel-mirror", metavar="URL", help="Read PyTorch's wheel indexes there; the files keep the canonical URLs."
    ),
]
Timeout = Annotated[
    int,
    typer.Option("--timeout", metavar="SECONDS", min=1, help="Longest wait for the answers that one solve needs."),
]
WriteMirror = Annotated[bool, typer.Option("--write-mirror", help="Write the mirrors' URLs into the files too.")]
Format = Annotated[OutputFormat, typer.Option("--format", help="How to print the answer.")]
