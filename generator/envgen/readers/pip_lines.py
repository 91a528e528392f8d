"""requirements.txt and `pip install` lines: pip's options and requirements, as far as torch is concerned."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.readers.mention import Include, IndexOption, Mention, Reading
from envgen.readers.requirement import TorchRequirement, tag_of_url, torch_requirement

_INDEX_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--default-index", "--index")
_COMMENT = re.compile(r"(^|(?<!\s)\s+)#.*$")
# What stands behind a requirement on its line: from the first word with a dash on. pip reads hashes and build options
# there; an index that somebody names there is no error, and counts for nothing.
_PER_LINE = re.compile(r"(?<!\s)\s+-.*$", re.DOTALL)


def read_requirements(text: str, *, name: str = "requirements.txt", given: Sequence[IndexOption] = ()) -> Reading:
    """Read a requirements.txt, also one with hashes and continued lines.

    `given` are the indexes of the command or file that names this one: pip's options count for all files of a run.
    """
    lines = list(logical_lines(text))
    words = [_words(line) for _, line in lines if line.startswith("-")]
    own = [option for split in words for option in index_options(split)]
    options = list(dict.fromkeys([*given, *own]))  # each once: files that name each other end
    indexes = Indexes.of(options)
    found = (
        (number, line, requirement)
        for number, line in lines
        if not line.startswith("-") and (requirement := torch_requirement(_PER_LINE.sub("", line)))
    )
    return Reading(
        format="requirements.txt",
        mentions=tuple(_mention(number, line, requirement, indexes) for number, line, requirement in found),
        includes=tuple(include for split in words for include in includes_of(split, options)),
    )


def includes_of(words: Sequence[str], options: Sequence[IndexOption]) -> Iterator[Include]:
    """The requirements and constraints files that a command's words name."""
    for at, word in enumerate(words):
        key, equals, value = word.partition("=")
        if key in ("-r", "--requirement", "-c", "--constraint"):
            path = value if equals else words[at + 1] if at + 1 < len(words) else ""
            if path and "://" not in path:
                yield Include(path=path, options=tuple(options))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of each line that says something; continued lines joined, comments dropped."""
    start, parts = 0, list[str]()
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        line = raw if parts else raw.lstrip()
        if line.startswith("#") and not parts:
            continue
        start = start if parts else number
        body = _COMMENT.sub("", line)
        if body.endswith("\\"):
            parts.append(body[:-1].strip())
            continue
        joined = " ".join([*parts, body.strip()]).strip()
        parts.clear()
        if joined:
            yield start, joined


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def index_options(words: Sequence[str]) -> list[IndexOption]:
    """The indexes that a command's words name, in their order."""
    found = []
    for at, word in enumerate(words):
        key, equals, value = word.partition("=")
        if key not in _INDEX_OPTIONS:
            continue
        url = value if equals else words[at + 1] if at + 1 < len(words) else ""
        kind = {"-i": "index-url", "-f": "find-links", "--default-index": "index-url"}.get(key, key.lstrip("-"))
        if url:
            found.append(IndexOption(kind=kind, url=url))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """What pip's options say of every requirement of a run: the indexes, and which build a bare version is.

    pip takes the highest version over all indexes, and `2.1.0+cu118` is higher than `2.1.0`: an extra index of
    PyTorch's wins over PyPI for the same release. `cuda` is the tag that they name; `unclear` says why there is none.
    """

    sources: tuple[str, ...]
    cuda: str = ""
    unclear: str = ""

    @classmethod
    def of(cls, options: Sequence[IndexOption]) -> Indexes:
        """The indexes of some options."""
        sources = [option.url for option in options if option.kind in ("index-url", "extra-index-url", "index")]
        links = [option.url for option in options if option.kind == "find-links"]
        replaced = any(option.kind == "index-url" for option in options)
        sources += [] if replaced else [PYPI]
        tags = sorted({tag for url in (*sources, *links) if (tag := tag_of_url(url))})
        unclear = ""
        if len(tags) > 1:
            unclear = f"indexes of several CUDA tags are named ({', '.join(tags)})"
        elif any("torch_stable" in url for url in links):
            unclear = "torch_stable.html has every CUDA tag, and the file names none"
        elif any("torch_nightly" in url for url in links):
            unclear = "torch_nightly.html has nightly builds, which no table knows"
        ordered = tuple(sorted(sources, key=lambda url: not tag_of_url(url)))
        return cls(sources=ordered, cuda="" if unclear else next(iter(tags), ""), unclear=unclear)


def mention_of(line: int, text: str, requirement: TorchRequirement, options: Sequence[IndexOption]) -> Mention:
    """The mention of a requirement among pip's options."""
    return _mention(line, text, requirement, Indexes.of(options))


def _mention(line: int, text: str, requirement: TorchRequirement, indexes: Indexes) -> Mention:
    is_settled = bool(requirement.cuda or requirement.unclear)
    return Mention(
        line=line,
        text=text,
        package_set=PackageSet.PIP,
        version=requirement.version,
        specifier=requirement.specifier,
        cuda=requirement.cuda if is_settled else indexes.cuda,
        sources=indexes.sources,
        platforms=requirement.platforms,
        pythons=requirement.pythons,
        variant=requirement.extra,
        locked=bool(requirement.version),
        unclear=requirement.unclear if is_settled else indexes.unclear,
        beside_pypi=not is_settled and bool(indexes.cuda) and PYPI in indexes.sources,
    )
