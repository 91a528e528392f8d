"""What people write of their machine in their own words: a GPU, a driver and a release in labels, lists and sentences.

A program's output always comes before it. A sentence counts only where it says whose GPU it is, and of two different
answers none is taken: nobody can tell which is meant.
"""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass

_BULLET = r"^[ \t]*(?:[-*•+][ \t]+|\d+[.)][ \t]+)?(?:\*\*|__)?"
_GPU_LABEL = (
    r"(?:my[ \t]+)?(?:GPUs?|graphics?[ \t]+cards?|video[ \t]+cards?|graphics|cards?|VGA|accelerator|显卡"
    r"|그래픽[ \t]?카드|グラフィックボード|видеокарта|placa de v[ií]deo|tarjeta gr[aá]fica)"
    r"(?:[ \t]+(?:model|name|type|0))?(?:\*\*|__)?[ \t]*[:：=-][ \t]*(?:\*\*|__)?[ \t]*"
)
# A family and a number, or the number of a data-centre GPU; what follows is part of the name while it is one of these.
_NAME = (
    r"(?:\d[ \t]?[x×][ \t]?)?(?P<name>(?:NVIDIA[ \t]+)?(?:GeForce[ \t]+)?"
    r"(?:RTX|GTX|GTS|GT|MX|Quadro|Tesla|TITAN)[ \t-]?[A-Z]{0,3}[ \t]?\d{2,4}[A-Z]{0,2}"
    r"(?:[ \t]+(?:Ti|SUPER|D|Mobile|Laptop(?:[ \t]+GPU)?|Max-Q|Ada|\d{1,2}[ \t]?GB))*"
    r"|(?:NVIDIA[ \t]+)?(?:GeForce[ \t]+)?(?:GTX[ \t]+)?TITAN[ \t]+(?:Xp|X|V|Z|RTX|Black)"
    r"|(?:NVIDIA[ \t]+)?(?:[ABHLTPV]\d{2,3}S?|GB10|GB?H?200)(?:[ \t-](?:PCIe|SXM\d?|\d{2}[ \t]?GB))*)"
)
_REST = r"(?:\*\*|__)?[ \t]*(?:\(?\d{1,3}[ \t]?G[iB]*(?:[ \t]+V?RAM)?\)?)?[ \t]*[.,;]?[ \t]*$"
_OWN = (
    r"\b(?:my|I have an?|I own an?|I(?:'m| am)?[ \t]+using an?|using (?:an?|my)|(?:running|runs?) on (?:an?|my))[ \t]+"
)
_LABELLED = re.compile(_BULLET + _GPU_LABEL + _NAME + _REST, re.IGNORECASE | re.MULTILINE)
_ALONE = re.compile(_BULLET + _NAME.replace("GTS|GT|MX", "GTS|MX") + _REST, re.IGNORECASE | re.MULTILINE)
# With the label a number is enough: `GPU: 3090`, `GPU3090`.
_NUMBER = re.compile(
    _BULLET + r"(?:GPUs?|graphics?[ \t]+cards?|显卡)[ \t]*[:：=]?[ \t]*"
    r"(?P<name>[1-5]0[5-9]0(?:[ \t]?Ti)?)[ \t]*[.,;，。]?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_IN_A_SENTENCE = re.compile(_OWN + _NAME + r"(?![\w*])", re.IGNORECASE)
_DRIVER = re.compile(
    r"\bdriver(?:[ \t]+version)?(?:\*\*)?[ \t]*(?:[:：=]|is|v)?[ \t]*(?:\*\*)?[ \t]*"
    r"(?P<version>[1-9]\d{2}\.\d{2,3}(?:\.\d{2})?)\b",
    re.IGNORECASE,
)
_TORCH = re.compile(
    _BULLET + r"(?:(?:torch|pytorch)[ \t]*(?:version)?[ \t]*[:：=]?[ \t]*)?"
    r"['\"`]?(?P<version>\d\.\d{1,2}\.\d\+(?:cu\d{2,3}|cpu))['\"`]?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_JETPACK = re.compile(r"\bJetPack(?:[ \t]+version)?[*:\s]{0,6}(?P<version>\d\.\d(?:\.\d)?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What somebody wrote; empty where nothing, or more than one thing, is stated."""

    gpu: str = ""
    driver: str = ""
    torch: str = ""
    jetpack: str = ""


def read_by_hand(text: str) -> ByHand:
    """Return what a person states of the machine in a text."""
    return ByHand(
        gpu=_only(_LABELLED, text, "name")
        or _only(_ALONE, text, "name")
        or _only(_NUMBER, text, "name")
        or _only(_IN_A_SENTENCE, text, "name"),
        driver=_only(_DRIVER, text, "version"),
        torch=_only(_TORCH, text, "version"),
        jetpack=_only(_JETPACK, text, "version"),
    )


def _only(pattern: re.Pattern[str], text: str, group: str) -> str:
    """The one thing that all matches say, in its first spelling; empty where they differ."""
    found = [" ".join(match[group].split()) for match in pattern.finditer(text)]
    return found[0] if len({re.sub(r"\W|nvidia|geforce", "", one.lower()) for one in found}) == 1 else ""
