"""The locks of a folder as CI installs them: what each is for, read from its own files by the registry's readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from envgen.core.dataclass import dataclass
from envgen.core.errors import DataError, quoted
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.errors import LockFormatError
from envgen.files.formats.explicit import channel_of, packages_in
from envgen.files.reading import record_of
from envgen.files.registry import EXPLICIT, PYLOCK, REQUIREMENTS, SMOKE_TEST
from envgen.output.plan import read_file

_CUDA = Pattern(r"cuda\d{2,3}|cpu")
_PYTHON = Pattern(r"3\.\d{1,2}")


class LockIncompleteError(DataError):
    """A lock is there, but not the file beside it that says what it is for."""

    code = "lock-incomplete"

    def __init__(self, lock: str, missing: str) -> None:
        super().__init__(
            f"{lock} can't be installed by CI", missing, hint="run envgen there again: it writes the whole set"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CiLock:
    """A lock that CI installs. `folder` and `lock`, the file that an installer is given, are relative to one root.

    `torch` and `torchvision` are releases, empty when they are not in it. `channel` is the one that conda's pytorch is
    from, `is_tegra` tells a Jetson's build, `is_cpu` one without CUDA. `tag` is the CUDA tag, cudaNNN for conda; it is
    empty where the file does not say it.
    """

    package_set: PackageSet
    subdir: Subdir
    python: str
    folder: PurePosixPath
    lock: PurePosixPath
    torch: str = ""
    torchvision: str = ""
    channel: str = ""
    is_tegra: bool = False
    is_cpu: bool = False
    tag: str = ""

    @property
    def smoke_test(self) -> PurePosixPath:
        """The smoke test beside it."""
        return self.folder / SMOKE_TEST.one


def read_locks(root: Path, folder: PurePosixPath) -> Iterator[CiLock]:
    """Yield the locks in one folder below `root`, sorted by file name.

    Raises: LockIncompleteError.
    """
    place = root / folder
    for name in sorted(path.name for path in place.iterdir()) if place.is_dir() else ():
        if REQUIREMENTS.matches(name):
            yield _pip(place, folder, name)
        elif subdir := EXPLICIT.subdir_of(name):
            yield _conda(place, folder, name, subdir)


def _pip(place: Path, folder: PurePosixPath, name: str) -> CiLock:
    """A requirements file does not say which subdir and Python it is for; the pylock.toml beside it does."""
    pylock = PYLOCK.name(REQUIREMENTS.subdir_of(name), many=True)
    try:
        text = _text(place, folder, pylock, lock=name)
        lock = PYLOCK.read(text, str(folder / pylock))
    except FileNotFoundError as error:
        raise LockIncompleteError(str(folder / name), f"{folder / pylock} is missing") from error
    except LockFormatError as error:
        reason = f"{folder / pylock} does not say what it is for: {error.reason}"
        raise LockIncompleteError(str(folder / name), reason) from error
    return CiLock(
        package_set=PackageSet.PIP,
        subdir=lock.subdir,
        python=lock.python,
        folder=folder,
        lock=folder / name,
        torch=lock.version_of("torch").partition("+")[0],
        torchvision=lock.version_of("torchvision").partition("+")[0],
        is_cpu=_is_cpu(text),
        tag=lock.version_of("torch").partition("+")[2],
    )


def _conda(place: Path, folder: PurePosixPath, name: str, subdir: Subdir) -> CiLock:
    text = _text(place, folder, name, lock=name)
    packages = packages_in(text)
    if "python" not in packages:
        raise LockIncompleteError(str(folder / name), "it holds no package named python")
    python = ".".join(packages["python"][0].split(".")[:2])
    if not _PYTHON.fullmatch(python):
        raise LockIncompleteError(str(folder / name), f"its python is {quoted(packages['python'][0])}")
    missing = ("", "")
    return CiLock(
        package_set=PackageSet.CONDA,
        subdir=subdir,
        python=python,
        folder=folder,
        lock=folder / name,
        torch=packages.get("pytorch", missing)[0],
        torchvision=packages.get("torchvision", missing)[0],
        channel=channel_of(text, "pytorch"),
        is_tegra="tegra" in packages.get("arm-variant", missing)[1],
        is_cpu=_is_cpu(text),
        tag=found[0] if (found := _CUDA.search(packages.get("pytorch", missing)[1])) else "",
    )


def _text(place: Path, folder: PurePosixPath, name: str, *, lock: str) -> str:
    """The text of a file, read as every command reads a folder: no link is followed and no pipe waited for."""
    text = read_file(place / name)
    if text is None:
        raise LockIncompleteError(str(folder / lock), f"{folder / name} is no file of text, or one of more than 1 MiB")
    return text


def _is_cpu(text: str) -> bool:
    """True for a lock whose request line asks for the CPU lane."""
    record = record_of(text)
    return record is not None and record.is_cpu
