"""A text that names a GPU, in the forms that look-ups compare: made once, passed as one value.

`read_text` puts words of other languages into English, takes the device's name out of a known program's line, and keeps
what the text says beside the name: a compute capability, and whether a program or a scheduler says that it is a GPU.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.capability import ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.patterns import Pattern
from envgen.gpus import names

Phrases = Mapping[str, Sequence[tuple[str, str]]]

# Lines in which the words around the name would say the opposite of what is meant ("is not compatible", "no longer").
_LINES = (
    r"\bname ?= ?'([^']+)', major",  # torch.cuda.get_device_properties
    r"\bname: ([^,]+), pci bus id",  # TensorFlow
    r"\bfound gpu ?[0-9]* ?(.+?) which is of (?:\w+ )*?capability",  # torch, GPU older than the build
    r"^(?:the )?(.+?) with cuda capability sm_[0-9]+a? is not compatible",  # torch, GPU newer than the build
    r"(?:^|[|:=] ?)([^|:=]+?)\. (?:num gpus ?=|max memory ?:)",  # Unsloth
    r"\bdevice(?: [0-9]+)?: (?:cuda(?::[0-9]+)? )?([^,:]+?)(?:,| :|$)",  # llama.cpp, ComfyUI
    r"^(?:card name|chip type|name|adapter)(?: ?[:=] ?| {2,})(.+)$",  # dxdiag, wmic
)
_STATED = (
    r"\b(?:compute|cuda)[ _]capability(?: version)?(?: major/minor version number)?[:= ]*(?:sm_)?([0-9]{1,2}\.[0-9])\b"
    r"|\b(?:sm|compute)_([0-9]{2,3})[af]?\b|\bmajor=([0-9]{1,2}), minor=([0-9])\b"
)
# Between a script that writes no spaces and Latin letters or digits: `グラボはRTX3070です`.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_BORDER = Pattern(rf"(?<=[{_CJK}])(?=[a-z0-9])|(?<=[a-z0-9])(?=[{_CJK}])")
_BEHIND_CUT = re.compile(r"[ |]*+(?:on|off|n/a|wddm|tcc|mcdm)?[ |]*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuText:
    """A text that names a GPU.

    `lowered` is the text in lower case; `spaced` its words (`names.words`); `device` the part that names the device, in
    lower case; `cut` what a program left of a name that it cut short, or empty; `stated` the capability that the text
    states, or None; `in_context` is True when a program or a scheduler says that the name is a GPU's; `notes` are what
    was left out on the way here.
    """

    query: str
    lowered: str
    spaced: str
    device: str
    cut: str = ""
    stated: ComputeCapability | None = None
    in_context: bool = False
    notes: tuple[str, ...] = ()

    def narrowed(self, device: str, *notes: str, in_context: bool = False) -> GpuText:
        """The same text with only a part of it as the device's name."""
        return replace(
            self,
            spaced=names.words(device),
            device=device,
            in_context=in_context or self.in_context,
            notes=(*self.notes, *notes),
        )


def read_text(query: str, plain: str, phrases: Phrases) -> GpuText:
    """Return the forms of a text; `plain` is `names.plain(query)`."""
    lowered = _translated(plain.lower(), phrases)
    line = next((found[1] for pattern in _LINES if (found := re.search(pattern, lowered))), "")
    device = names.device_text(line or lowered)
    start, dots, behind = device.replace("…", "...").rpartition("...")
    cut = dots and start and _BEHIND_CUT.fullmatch(behind)
    if cut:
        device = start.strip()
    return GpuText(
        query=query,
        lowered=lowered,
        spaced=names.words(line or lowered),
        device=device,
        cut=names.without_maker(names.key(device)) if cut else "",
        stated=_stated(lowered),
        in_context=bool(line),
    )


def _stated(lowered: str) -> ComputeCapability | None:
    """The one compute capability that a text states; None when it states none, or several."""
    found = set()
    for dotted, glued, major, minor in re.findall(_STATED, lowered):
        text = dotted or (f"{glued[:-1]}.{glued[-1]}" if glued else f"{major}.{minor}")
        try:
            found.add(ComputeCapability.parse(text))
        except ValueFormatError:
            continue
    return found.pop() if len(found) == 1 else None


def _translated(lowered: str, phrases: Phrases) -> str:
    """Words of other languages put into English: whole words in a script that writes spaces (those with capitals)."""
    if lowered.isascii():
        return lowered
    lowered = f" {lowered} "
    for phrase, replacement in (*phrases["replace"], *phrases["drop"], *phrases["board"]):
        if phrase.isascii() or phrase not in lowered:
            continue
        if phrase.upper() == phrase:
            lowered = lowered.replace(phrase, f" {replacement} ")
        else:
            lowered = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", replacement or " ", lowered)
    return " ".join(_BORDER.sub(" ", lowered).split())
