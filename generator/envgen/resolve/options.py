"""What the user's own options exclude."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envgen.core.builds import CondaBuild, PipBuild
from envgen.core.errors import ValueFormatError
from envgen.core.releases import cuda_of_tag
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.resolve.failure import Failure

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

    def failures(self, build: PipBuild | CondaBuild) -> Iterator[Failure]:
        """What the options have against a build."""
        if self.torch is not None and not self.torch.contains(build.release):
            text = f" is outside --torch {self.torch}"
            yield Failure(code=RejectionCode.TORCH_SPEC, text=text, unlock={"torch": f"=={build.release}"})
        if self.cuda_tag and self.cuda_tag != build.cuda_tag:
            built, asked = cuda_of_tag(build.cuda_tag), cuda_of_tag(self.cuda_tag)
            text = f" is built with CUDA {built}, --cuda asks for {asked}"
            yield Failure(code=RejectionCode.CUDA_SPEC, text=text, unlock={"cuda": build.cuda_tag})
