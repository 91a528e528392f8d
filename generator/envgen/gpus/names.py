"""How a GPU's name is compared: what is cut from a text, and the keys under which names are the same.

A key is a name in lower case without spaces, hyphens and brackets, so `GTX 1080 Ti`, `gtx-1080ti` and `GTX1080TI`
share one. Keys are compared as a whole, never by prefix: P4, P40, P400 and P4000 stay four GPUs. A separator between
two digits is kept as `~` (`GTX 1060 3GB`, `P104-100`), so `T4 00` never becomes T400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from envgen.core.patterns import Pattern

_GAP = Pattern(r"(?<=[0-9])[ \-_.]+(?=[0-9])")
_MARKERS = "-_()[],./:;#&'\"|@*=!?×、。，：；“”‘’"
_SEPARATORS = dict.fromkeys(map(ord, f" {_MARKERS}"))
_SPACED = dict.fromkeys(map(ord, _MARKERS), " ")
_MARKS = ("(r)", "(tm)", "(c)", "®", "™", "©", "\u200b", "\u200e", "\u200f", "\ufeff")
# How many of a card there are, behind its name; `12 GB` behind a maker's `GAMING X` is no count.
_TIMES = Pattern(r"(?:(?<=[0-9])x|(?<=[a-z0-9)]) x | ?[×*] ?)[0-9]{1,2}(?![0-9a-z]| ?gi?b?\b)", re.IGNORECASE)
BRANDS = ("geforce", "quadro", "tesla", "jetson")
SERIES = ("gtx", "rtx", "gts", "gt")
# Words that tell a laptop row from a desktop row, or that are left out when people write (the longest first).
_LAPTOP = ("withmaxqdesign", "maxqdesign", "maxq", "laptopgpu", "laptop", "notebook", "mobile")
_LOOSE = (*_LAPTOP, "generation", "edition")


def key(name: str) -> str:
    """Return the key of a name or of a text that has nothing but a name in it."""
    return _GAP.sub("~", name.lower()).translate(_SEPARATORS)


def keys(many: Iterable[str]) -> list[str]:
    """Return the key of each name, in order. One pass over all of them, because a catalog has a thousand."""
    return key("\n".join(many)).split("\n")


def words(text: str) -> str:
    """Return the text in lower case, every separator a single space, with a space at each end."""
    return f" {' '.join(text.lower().translate(_SPACED).split())} "


def pieces(text: str) -> list[str]:
    """Return the words and the numbers of a text one by one: `RTX4070 Ti` is rtx, 4070, ti."""
    return re.findall(r"[a-z+]+|[0-9]+", text.lower())


def plain(text: str) -> str:
    """Return the text with trade marks dropped and full-width and other compatible characters made plain."""
    lowered = text.strip()
    if not lowered.isascii():
        import unicodedata

        for mark in _MARKS[3:]:
            lowered = lowered.replace(mark, " " if mark in "®™©" else "")
        lowered = unicodedata.normalize("NFKC", lowered)
    lowered = re.sub(r"[\t\r\n]+", " ", lowered)
    if "(" in lowered:
        for mark in _MARKS[:3]:
            lowered = lowered.replace(mark, " ").replace(mark.upper(), " ")
    return lowered.strip()


def device_text(text: str) -> str:
    """Return the part of a program's line that names the device.

    Known lines: `nvidia-smi` (table and `-L`), lspci, OpenGL and ANGLE renderer texts, and MIG slices.
    """
    text = text.strip("\"' ")
    if text.startswith("|"):
        text = _table_cell(text)
    lowered = text.lower()
    if "angle (" in lowered:
        inner = text[lowered.index("angle (") + len("angle (") :]
        text, lowered = _cut_at(inner.partition(", ")[2] or inner, " (0x", " direct3d", " opengl", " vulkan")
    text, lowered = _cut_at(text, "(uuid:", "/pcie", "/integrated", " mig ", "-mig-", ", pci bus", " (rev ")
    if ":" in text or text[:1].isdigit():
        text = re.sub(r"^gpu ?[0-9]+ ?:|^[0-9]+ ?[x×] ?(?=[a-z])", "", text, flags=re.IGNORECASE)
        text = re.sub(r"\b(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b", " ", text, flags=re.IGNORECASE)
    return _TIMES.sub("", text).strip(" ,:;")


def _cut_at(text: str, *marks: str) -> tuple[str, str]:
    """Return the text in front of the first of the marks (in lower case), and the same in lower case."""
    lowered = text.lower()
    ends = [position for mark in marks if (position := lowered.find(mark)) > 0]
    end = min(ends, default=len(text))
    return text[:end], lowered[:end]


def _table_cell(line: str) -> str:
    """The GPU's name in a row of nvidia-smi's table: the first cell without its index and persistence mode."""
    cell = next((cell.strip() for cell in line.split("|") if cell.strip()), "")
    return re.sub(r"^[0-9]+ +|(?<! ) +(?:On|Off|N/A|WDDM|TCC|MCDM)$", "", cell).strip()


def bracketed(text: str) -> str:
    """The name in lspci's square brackets (`GA102 [GeForce RTX 3090]`), or an empty string; ids are skipped."""
    for piece in text.split("[")[1:]:
        inner = piece.partition("]")[0].strip()
        if inner and not re.fullmatch(r"[0-9a-fA-F]{4}(?::[0-9a-fA-F]{4})?", inner):
            return inner
    return ""


def without_maker(name_key: str) -> str:
    """A key without `nvidia` in front."""
    return name_key.removeprefix("nvidia") or name_key


def without_brand(name_key: str) -> tuple[str, str]:
    """A key without GeForce, Quadro, Tesla or Jetson in front, and which one it was (or an empty string)."""
    for brand in BRANDS:
        if name_key.startswith(brand) and len(name_key) > len(brand):
            return name_key[len(brand) :], brand
    return name_key, ""


def is_model(name_key: str) -> bool:
    """True when a series such as RTX can stand in front of a key: a number, a letter and a number, TITAN or PRO."""
    return name_key[:1].isdigit() or name_key[1:2].isdigit() or name_key.startswith(("titan", "pro"))


def loosened(name_key: str) -> str:
    """A key without the words that mark a laptop, and without `generation` and `edition`."""
    for word in _LOOSE:
        name_key = name_key.replace(word, "")
    return name_key


def is_laptop(name_key: str) -> bool:
    """True when a key says that it is a laptop GPU. Max-Q counts, except on a workstation card."""
    return "workstation" not in name_key and any(word in name_key for word in _LAPTOP)


def spelled_out(name_key: str) -> str:
    """A key with a short suffix written out, or an empty string.

    `1660s` is 1660 SUPER, and `M` after a 10-series or newer number is a laptop GPU. On older numbers and on other
    letters the suffix is the model's own (675M, 675MX, V100S, 4090 D).
    """
    found = re.fullmatch(r"((?:geforce)?(?:gtx|rtx)?(?:16[56]0|20[678]0|40[78]0)(?:ti)?)s(laptop|mobile)?", name_key)
    if found:
        return f"{found[1]}super{found[2] or ''}"
    found = re.fullmatch(r"((?:(?:geforce)?(?:gtx|rtx)?|quadrortx)(?:1[06]|[2-9]0)[0-9]0(?:ti)?(?:super)?)m", name_key)
    return f"{found[1]}mobile" if found else ""
