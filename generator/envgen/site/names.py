"""The names that the page knows, as keys with the program's own answers: the page looks up and decides nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.gpus import Gpu, MatchKind
from envgen.facts.tables import read_table
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.machines import instance_pattern

# Words that make another card of a name: beside a match they leave the page with a question, never with an answer.
CHANGING = (
    "ti super d x ada blackwell mobile max maxq q a le v2 v3 t1 laptop lhr se xt pro plus s m ultra nano not no or"
    " better like than similar previously instead vs versus unlike except without was replaced zero"
)
VENDORS = "amd radeon intel arc iris uhd vega firepro instinct apple adreno mali powervr matrox"
# What people write in front of a number, or leave out. A name is asked for with each of them.
LEADING = (
    "",
    "geforce",
    "gtx",
    "rtx",
    "geforce gtx",
    "geforce rtx",
    "quadro",
    "quadro rtx",
    "tesla",
    "titan",
    "gtx titan",
    "gt",
    "geforce gt",
    "jetson",
)
_LEADING_WORDS = frozenset(["nvidia", *(word for front in LEADING for word in front.split())])
# How lspci and nouveau write a chip.
CHIP_ENDINGS = ("", "M", "B", "C", "S", "BM", "GL", "GLM")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTables:
    """What the page looks names up in.

    `gpus` are sorted by capability. `keys` maps a glued name to positions in `gpus`: one, or
    several where the name can mean several GPUs. `pci` maps a device id (four hex digits) likewise. `machines` are
    patterns of clouds' instance types with the position of their GPU.
    """

    gpus: tuple[Gpu, ...]
    keys: Mapping[str, tuple[int, ...]]
    pci: Mapping[str, tuple[int, ...]]
    slugs: tuple[str, ...]
    machines: tuple[tuple[str, int], ...]


def tokens(text: str) -> list[str]:
    """The words of a text as the page reads them: lower case, trade marks gone, letters and digits only."""
    marks = re.sub(r"\((?:r|tm|c)\)|[®™©]", " ", text.lower())  # before NFKC, which makes letters of them
    plain = unicodedata.normalize("NFKC", marks)
    plain = re.sub(r"(?<=[a-z])\+", " plus ", plain)
    return re.findall(r"[a-z0-9]+", plain)


def name_tables(catalog: GpuCatalog) -> NameTables:
    """Ask the program for every name, spelling and short form of them, and keep its answers by key."""
    gpus = tuple(sorted(catalog.all(), key=lambda gpu: gpu.capability))
    positions = {(gpu.name, gpu.capability): at for at, gpu in enumerate(gpus)}
    by_chip = {(gpu.chip, gpu.capability): (gpu.name, gpu.capability) for gpu in reversed(gpus)}
    found: dict[str, tuple[int, ...]] = {}
    conflicting: set[str] = set()
    for form in _forms(gpus):
        key = "".join(tokens(form))
        match = catalog.match(form)
        if match.kind is MatchKind.EXACT and match.gpu is not None:
            # A chip's codename is answered with the chip: the page has a GPU of it.
            chip = by_chip.get((match.gpu.chip, match.gpu.capability), (match.gpu.name, match.gpu.capability))
            named = [chip if match.gpu.name == match.gpu.chip else (match.gpu.name, match.gpu.capability)]
        elif match.kind is MatchKind.AMBIGUOUS:
            named = [(candidate.name, candidate.capability) for candidate in match.candidates]
        else:
            continue
        answer = tuple(positions[which] for which in named if which in positions)
        if answer and found.setdefault(key, answer) != answer:
            conflicting.add(key)
    for key in conflicting:
        del found[key]
    pci: dict[str, list[int]] = {}
    for at, gpu in enumerate(gpus):
        for device in gpu.pci_ids:
            pci.setdefault(device.lower(), []).append(at)
    rows = sorted(read_table("instance_types"), key=lambda row: -len(row["pattern"]))
    identities = [(row["gpu"], row["gpu"] and ComputeCapability.parse(row["compute_capability"])) for row in rows]
    machines = [
        (instance_pattern(row["pattern"]), positions[identity])
        for row, identity in zip(rows, identities, strict=True)
        if identity in positions
    ]
    return NameTables(
        gpus=gpus,
        keys=found,
        pci={key: tuple(rows) for key, rows in pci.items()},
        slugs=tuple(_slugs(gpus)),
        machines=tuple(machines),
    )


def _forms(gpus: tuple[Gpu, ...]) -> Iterator[str]:
    """Names, spellings, systems and chips; names and spellings also with everything that people put in front."""
    names = [gpu.name for gpu in gpus] + [row["spelling"] for row in read_table("spellings")]
    names += [name.removesuffix(" GPU") for name in names if name.endswith(" Laptop GPU")]
    seen = dict.fromkeys(names)
    for name in names:
        core = " ".join(_core(name.split()))
        seen |= dict.fromkeys(f"{front} {core}".strip() for front in LEADING)
    seen |= dict.fromkeys(row["system"] for row in read_table("systems"))
    seen |= dict.fromkeys(row["chip"] + ending for row in read_table("chips") for ending in CHIP_ENDINGS)
    seen |= dict.fromkeys(row["name"] for row in read_table("chip_names"))
    seen |= dict.fromkeys(row["board"] for row in read_table("vgpu_boards"))
    return iter(seen)


def core_key(name: str) -> str:
    """The key of a name without the words that people leave out in front; the page's script does the same."""
    return "".join(_core(tokens(name)))


def _core(words: list[str]) -> list[str]:
    while len(words) > 1 and words[0].lower() in _LEADING_WORDS:
        words = words[1:]
    return words


def _slugs(gpus: tuple[Gpu, ...]) -> Iterator[str]:
    """A file name for each GPU; a name with several capabilities has the capability behind it."""
    names = [gpu.name for gpu in gpus]
    for gpu in gpus:
        slug = "-".join(tokens(gpu.name))
        yield f"{slug}-{gpu.capability.major}-{gpu.capability.minor}" if names.count(gpu.name) > 1 else slug
