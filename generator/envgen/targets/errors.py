"""What is wrong in a project's file or a list of machines: every mistake at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError

_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A line of a file, where in it (`targets.lab.driver`, may be empty), and what is wrong there."""

    line: int
    place: str
    text: str


class MistakesError(UsageError):
    """A file of a person's states something that can't be read."""

    def __init__(self, name: str, mistakes: Iterable[Mistake], hint: str) -> None:
        self.name, self.mistakes = name, tuple(sorted({*mistakes}, key=lambda one: (one.line, one.place, one.text)))
        count = len(self.mistakes)
        super().__init__(f"{name} has {count} mistake{'' if count == 1 else 's'}", hint=hint)

    def facts(self) -> tuple[str, ...]:
        shown = [
            f"{self.name}:{one.line}: {f'{one.place}: ' if one.place else ''}{one.text}"
            for one in self.mistakes[:_MOST_SHOWN]
        ]
        more = len(self.mistakes) - len(shown)
        return (*shown, *((f"and {more} more",) if more else ()))

    def details(self) -> Mapping[str, object]:
        return {
            "file": self.name,
            "mistakes": [{"line": one.line, "place": one.place, "text": one.text} for one in self.mistakes],
        }


class ManifestError(MistakesError):
    """A project's file can't be used."""

    code = "targets-file"

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        super().__init__(name, mistakes, "mend these lines; nothing was solved or written")


class TargetUnknownError(UsageError):
    """`--target` names no target of the project."""

    code = "target-unknown"
