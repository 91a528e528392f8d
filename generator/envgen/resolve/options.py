"""What the user's own options exclude, and how several unlocks become one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envgen.core.errors import ValueFormatError
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.resolve.checks import Failure

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`--torch` and `--cuda`, read once. `torch` is None when it was not given."""

    torch: SpecifierSet | None
    cuda_tag: str

    @classmethod
    def of(cls, request: Request) -> Options:
        """Read the options of a request.

        Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
        """
        if not request.torch:
            return cls(torch=None, cuda_tag=request.cuda)
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            specifiers = SpecifierSet(request.torch)
        except InvalidSpecifier as error:
            expected = 'a PEP 440 specifier, such as "==2.14.*" or ">=2.6,<2.9"'
            raise ValueFormatError(
                kind="version specifier", value=request.torch, expected=expected, origin="--torch"
            ) from error
        return cls(torch=specifiers, cuda_tag=request.cuda)

    def failures(self, torch: str, cuda_tag: str, label: str) -> Iterator[Failure]:
        """What the options have against a build."""
        if self.torch is not None and not self.torch.contains(torch):
            text = f"{label} is outside --torch {self.torch}"
            yield Failure(code=RejectionCode.TORCH_SPEC, text=text, unlock={"torch": f"=={torch}"})
        if self.cuda_tag and self.cuda_tag != cuda_tag:
            text = f"{label} is built with CUDA {cuda_of_tag(cuda_tag)}, --cuda asks for {cuda_of_tag(self.cuda_tag)}"
            yield Failure(code=RejectionCode.CUDA_SPEC, text=text, unlock={"cuda": cuda_tag})


def merged_unlock(reasons: Sequence[Failure]) -> dict[str, str]:
    """The changes that would lift all reasons together; empty when one of them can't be lifted."""
    if not all(reason.unlock for reason in reasons):
        return {}
    merged: dict[str, str] = {}
    for reason in reasons:
        for option, value in reason.unlock.items():
            if option in merged and option in ("driver", "glibc"):
                merged[option] = max(merged[option], value, key=_number_key)
            else:
                merged[option] = value
    codes = {reason.code for reason in reasons}
    conflict = RejectionCode.DRIVER_TOO_NEW in codes and codes & {
        RejectionCode.DRIVER_TOO_OLD,
        RejectionCode.DRIVER_PREDATES_GPU,
    }
    return {} if conflict else merged


def _number_key(text: str) -> tuple[int, ...]:
    return release_key(text)
