"""The computers of one pasted text: people post the one that works beside the one that doesn't."""

from __future__ import annotations

import re
from itertools import pairwise

from envgen.core.dataclass import dataclass
from envgen.reports.collect_env import read_collect_env, read_gpu_list
from envgen.reports.smi_table import read_smi_table
from envgen.reports.text import numbered_lines

# Where the output of a program begins that names a computer's GPUs.
_BEGINS = re.compile(r"\bNVIDIA-SMI\s+\d|^\s*PyTorch version\s*:|^\s*GPU 0: ")

_AT_MOST = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMachine:
    """A computer that a text shows: its GPUs as they are printed there, its driver or an empty text.

    `line` is the line (1-based) on which it first appears.
    """

    line: int
    gpus: tuple[str, ...]
    driver: str


def machines_in(text: str) -> tuple[PostedMachine, ...]:
    """Return the first computers of a text: outputs that share a GPU are of one, whatever their drivers."""
    numbered = numbered_lines(text)
    lines = [line for _, line in numbered]
    starts = [at for at, line in enumerate(lines) if _BEGINS.search(line)]
    found: list[PostedMachine] = []
    for start, end in pairwise([*starts, len(lines)]):
        block = lines[start:end]
        table, collected = read_smi_table(block), read_collect_env(block)
        names = [gpu.name for gpu in table.gpus] if table else []
        names += [*(collected.gpus if collected else ()), *read_gpu_list(block)]
        gpus = tuple(dict.fromkeys(names))
        if gpus and not any(_share(gpus, machine.gpus) for machine in found):
            found.append(PostedMachine(line=numbered[start][0], gpus=gpus, driver=table.driver if table else ""))
        if len(found) == _AT_MOST:
            break
    return tuple(found)


def _share(gpus: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """True when two lists can be of one computer: a name in both, or one that is cut in one of them."""
    mine, theirs = ([_plain(name) for name in names] for names in (gpus, others))
    return any(a.startswith(b) or b.startswith(a) for a in mine for b in theirs)


def _plain(name: str) -> str:
    """A GPU's name as its programs all print it; nvidia-smi cuts long ones with dots."""
    words = re.sub(r"\.\.\.?$|…$|\(UUID.*", "", name).split()
    return " ".join(word.lower() for word in words if word.lower() not in ("nvidia", "geforce", "tesla", "quadro"))
