"""What a torch wheel says about itself: the code that it carries, its CUDA and its requirements."""

from __future__ import annotations

import ast
import json
import re
import zipfile
import zlib
from typing import Protocol

from packaging.metadata import RawMetadata, parse_email

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError
from envgen.core.releases import tag_of_cuda
from envgen.refresh.device_rules import DeviceRule, parse_device_rules

_LIBRARIES = ("torch/lib/libtorch_python.so", "torch/lib/torch_python.dll")
# libtorch_python.so is about 35 MB (2.15.0); ten times that is no torch wheel that this was written for.
_LARGEST_MEMBER = 350 << 20
_CODE = rb"(?:sm|compute)_[0-9]{2,3}[af]?"
# The string behind torch.cuda.get_arch_list(): a C string that is nothing but codes.
_ARCH_LIST = re.compile(rb"\0(" + _CODE + rb"(?: " + _CODE + rb")*) ?(?=\0)")
# In 2.9.0 and 2.9.1 the compiler put the end of another string in front of it, without a NUL between.
_JOINED_LIST = re.compile(rb"(" + _CODE + rb"(?: " + _CODE + rb"){2,}) ?(?=\0)")


class SeekableFile(Protocol):
    """What a zip file is read from."""

    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...


class WheelContentError(DataError):
    """A wheel does not hold what every torch wheel so far has held, so that nothing can be read from it."""

    code = "wheel-content"

    def __init__(self, *, filename: str, reason: str) -> None:
        super().__init__(
            f"{filename} is not built as the torch wheels before it",
            reason,
            hint="look at the wheel, then teach envgen.refresh.torch_wheel its new form",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchWheel:
    """The contents that the tables are made from.

    `version` is `torch.__version__`; `cuda` is X.Y, empty in a CPU build; `arch_list` is as torch prints it, empty
    without CUDA; `releases_code` is the table PYTORCH_RELEASES_CODE_CC as JSON, empty where torch has none, and
    `device_rules` are its tables of which GPU runs which code.
    """

    version: str
    cuda: str
    arch_list: str
    releases_code: str
    requires_python: str
    requires: tuple[str, ...]
    device_rules: tuple[DeviceRule, ...] = ()

    @property
    def variant(self) -> str:
        """The CUDA tag, or cpu."""
        return tag_of_cuda(self.cuda) if self.cuda else "cpu"


def read_torch_wheel(stream: SeekableFile, filename: str) -> TorchWheel:
    """Return what a wheel holds; `stream` is only read where needed.

    Raises: WheelContentError; what reading the stream raises passes through.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            version, cuda = parse_version_py(_member(archive, "torch/version.py").decode("utf-8"))
            metadata = _metadata(archive)
            tables = _member(archive, "torch/cuda/__init__.py").decode("utf-8")
            codes, rules = parse_releases_code(tables), parse_device_rules(tables)
            found = parse_arch_list(_member(archive, _library(archive))) if cuda else ""
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, SyntaxError, ValueError) as error:
        raise WheelContentError(filename=filename, reason=f"{type(error).__name__}: {error}") from error
    return TorchWheel(
        version=version,
        cuda=cuda,
        arch_list=found,
        releases_code=codes,
        device_rules=rules,
        requires_python=metadata.get("requires_python", ""),
        requires=tuple(metadata.get("requires_dist", ())),
    )


def requires_of(stream: SeekableFile, filename: str) -> tuple[str, ...]:
    """Return the Requires-Dist lines of any wheel.

    Raises: WheelContentError; what reading the stream raises passes through.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            metadata = _metadata(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise WheelContentError(filename=filename, reason=f"{type(error).__name__}: {error}") from error
    return tuple(metadata.get("requires_dist", ()))


def parse_version_py(text: str) -> tuple[str, str]:
    """Return `torch.__version__` and `torch.version.cuda` (empty for None) of the text of torch/version.py.

    Raises: ValueError when it assigns one of them no plain value.
    """
    version, cuda = _constant(text, "__version__"), _constant(text, "cuda")
    if not isinstance(version, str) or not (cuda is None or isinstance(cuda, str)):
        raise ValueError(f"torch/version.py has __version__ = {version!r} and cuda = {cuda!r}")
    return version, cuda or ""


def parse_arch_list(library: bytes) -> str:
    """Return the arch list that is compiled into torch's Python library.

    Raises: ValueError when there is none, or more than one.
    """
    matches = list(_ARCH_LIST.finditer(library)) or list(_JOINED_LIST.finditer(library))
    found = sorted({match[1].decode() for match in matches})
    if len(found) != 1:
        raise ValueError(f"{len(found)} arch lists in torch's Python library: {found[:5]}")
    return found[0]


def parse_releases_code(text: str) -> str:
    """Return the table PYTORCH_RELEASES_CODE_CC of torch/cuda/__init__.py as JSON, or "" when it has none.

    Raises: ValueError when it is no table of CUDA -> machine -> codes.
    """
    try:
        table = _constant(text, "PYTORCH_RELEASES_CODE_CC")
    except KeyError:  # before 2.11
        return ""
    return json.dumps(_listed(table))


def _listed(value: object) -> object:
    """A table of sets as one of sorted lists: CUDA -> machine -> codes, up to 2.12 CUDA -> codes."""
    match value:
        case dict():
            return {key: _listed(inner) for key, inner in value.items()}
        case set() | list() | tuple():
            return sorted(int(code) for code in value)
        case _:
            raise ValueError(f"PYTORCH_RELEASES_CODE_CC holds {value!r}")


def _constant(text: str, name: str) -> object:
    """The literal that a module assigns to a name at its top level."""
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.literal_eval(getattr(node, "value"))  # noqa: B009 -- both kinds of assignment have one
    raise KeyError(name)


def _library(archive: zipfile.ZipFile) -> str:
    """The library that the arch list is compiled into: Windows' wheels have it under another name."""
    names = set(archive.namelist())
    return next((name for name in _LIBRARIES if name in names), _LIBRARIES[0])


def _metadata(archive: zipfile.ZipFile) -> RawMetadata:
    names = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
    if len(names) != 1:
        raise ValueError(f"{len(names)} files *.dist-info/METADATA")
    return parse_email(_member(archive, names[0]))[0]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > _LARGEST_MEMBER:
        raise ValueError(f"{name} has {info.file_size >> 20} MiB")
    return archive.read(info)
