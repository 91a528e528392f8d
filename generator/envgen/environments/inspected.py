"""The environment under diagnosis, read from its files: what is installed, by whom, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.json_text import JsonError, parse_json, parse_json_object
from envgen.core.requirements import normalise_project
from envgen.probe.files import HostFiles
from envgen.probe.observation import EnvironmentKind, InstallSetting
from envgen.probe.parse.install_settings import parse_pip_config

# The distributions that decide whether CUDA works, and those that are built for one torch.
_RELEVANT = re.compile(
    r"(torch|torchvision|torchaudio|triton|pytorch[-_]triton.*|nvidia[-_].*|cuda[-_].*"
    r"|torchtext|torchcodec|fbgemm[-_]gpu.*|dgl)",
    re.IGNORECASE,
)
# Of a distribution's files only the libraries and the version are checked: torch alone has 12,000 headers.
_CHECKED = re.compile(r".*\.(so(\.\d+)*|dll|pyd)|(torch|torchvision)/(version|__init__)\.py")
_CONDA = (
    "pytorch",
    "pytorch-gpu",
    "pytorch-cpu",
    "torchvision",
    "cudnn",
    "libcudnn",
    "cuda-version",
    "libtorch",
    "python",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One installed distribution. `requires` are its Requires-Dist lines, `missing` files of its RECORD that are gone.

    `folder` is where it lies (an entry of `sys.path`), `info` the name of its dist-info folder.
    """

    name: str
    version: str
    installer: str
    requires: tuple[str, ...]
    folder: str
    info: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFile:
    """`version.py` of torch or a companion: its version text, and CUDA's and ROCm's version (None: without)."""

    version: str
    cuda: str | None
    hip: str | None

    @property
    def label(self) -> str:
        """The local part of the version: `cu128`, `cpu`, or empty."""
        return local(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaRecord:
    """One package of conda-meta. `dist_infos` are the names of the dist-info folders among its files."""

    name: str
    version: str
    build: str
    channel: str
    dist_infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What the examined Python says of itself. `path` is its `sys.path`; `bits` is 64 or 32."""

    version: str
    executable: str
    prefix: str
    base_prefix: str
    path: tuple[str, ...]
    bits: int = 64
    free_threaded: bool = False
    implementation: str = "cpython"
    platform: str = ""
    musl: bool = False

    @property
    def minor(self) -> str:
        """X.Y, with a `t` for the free-threaded build, as the catalog writes it."""
        return ".".join(self.version.split(".")[:2]) + ("t" if self.free_threaded else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedEnvironment:
    """The environment under diagnosis. `torch_folder` is the entry of `sys.path` that torch is imported from.

    `path_libraries` are CUDA's libraries in the folders of LD_LIBRARY_PATH, `settings` those of the environment's own
    pip configuration. `is_managed` is True for a Python that another package manager keeps installers out of (PEP 668).
    """

    interpreter: Interpreter
    kind: EnvironmentKind
    distributions: tuple[Distribution, ...]
    torch: VersionFile | None
    vision: VersionFile | None
    torch_folder: str
    conda: tuple[CondaRecord, ...]
    has_pip: bool
    path_libraries: tuple[str, ...] = ()
    settings: tuple[InstallSetting, ...] = ()
    is_managed: bool = False
    audio: VersionFile | None = None

    def named(self, name: str) -> tuple[Distribution, ...]:
        """The installed distributions of one name, in the order of `sys.path`; normally one or none."""
        return tuple(d for d in self.distributions if d.name == name)

    def conda_record(self, name: str) -> CondaRecord | None:
        """The conda package of that name, or None."""
        return next((record for record in self.conda if record.name == name), None)


def read_environment(
    interpreter: Interpreter, kind: EnvironmentKind, files: HostFiles, library_path: Sequence[str] = ()
) -> InspectedEnvironment:
    """Return what is installed for an interpreter. `library_path` are the folders of LD_LIBRARY_PATH."""
    folders = tuple(dict.fromkeys(folder for folder in interpreter.path if folder and files.names(folder)))
    vision, audio = (
        next((v for f in folders if (v := _version_file(f"{f}/{name}/version.py", files))), None)
        for name in ("torchvision", "torchaudio")
    )
    torch_folder = next((f for f in folders if {"torch", "torch.py"} & set(files.names(f))), "")
    return InspectedEnvironment(
        interpreter=interpreter,
        kind=kind,
        distributions=tuple(d for folder in folders for d in _distributions(folder, files)),
        torch=_version_file(f"{torch_folder}/torch/version.py", files) if torch_folder else None,
        vision=vision,
        audio=audio,
        torch_folder=torch_folder,
        conda=tuple(_conda_records(interpreter.prefix, files)),
        has_pip=any("pip" in files.names(folder) for folder in folders),
        path_libraries=tuple(_cuda_libraries(library_path, files)),
        settings=tuple(_settings(interpreter.prefix, files)),
        # The mark lies in the standard library, which a virtual environment shares; there it does not count.
        is_managed=kind is EnvironmentKind.SYSTEM and any("EXTERNALLY-MANAGED" in files.names(f) for f in folders),
    )


def parse_interpreter(text: str) -> Interpreter | None:
    """Return what the interpreter's child printed, or None when it printed nothing of the kind."""
    line = next((line for line in text.splitlines() if "envgen-doctor:" in line), "")
    try:
        found = parse_json(line.partition("envgen-doctor:")[2])
        return Interpreter(**{**found, "path": tuple(found["path"])})
    except (ValueError, TypeError, KeyError):
        return None


def interpreter_of_files(prefix: str, files: HostFiles) -> Interpreter | None:
    """Return what the files at a prefix say of its Python, for an interpreter that can't be run; None without one."""
    windows = files.names(f"{prefix}/Lib/site-packages")
    versions = [name for name in files.names(f"{prefix}/lib") if re.fullmatch(r"python3\.\d+t?", name)]
    configuration = files.read(f"{prefix}/pyvenv.cfg") or ""
    stated = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", configuration, re.MULTILINE)
    if not windows and not versions:
        return None
    minor = versions[-1].removeprefix("python") if versions else (stated[1] if stated else "")
    folder = f"{prefix}/Lib/site-packages" if windows else f"{prefix}/lib/{versions[-1]}/site-packages"
    return Interpreter(
        version=stated[1] if stated else minor.rstrip("t"),
        executable="",
        prefix=prefix,
        base_prefix=prefix,
        path=(folder,),
        free_threaded=minor.endswith("t"),
    )


def _distributions(folder: str, files: HostFiles) -> Iterator[Distribution]:
    for name in files.names(folder):
        if not name.endswith(".dist-info") or not _RELEVANT.fullmatch(name.split("-", 1)[0]):
            continue
        metadata = (files.read(f"{folder}/{name}/METADATA") or "").partition("\n\n")[0]
        found = _distribution(folder, name, metadata)
        installer = (files.read(f"{folder}/{name}/INSTALLER") or "").strip()
        yield replace(found, installer=installer, missing=tuple(_missing(folder, name, files)))


def _distribution(folder: str, info: str, metadata: str) -> Distribution:
    """From METADATA; the folder's name says name and version where METADATA is damaged."""
    name, _, version = info.removesuffix(".dist-info").partition("-")
    stated = dict(re.findall(r"^(Name|Version): (.*)$", metadata, re.MULTILINE))
    return Distribution(
        name=normalise_project(stated.get("Name", name).strip()),
        version=stated.get("Version", version).strip(),
        installer="",
        requires=tuple(line.strip() for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)),
        folder=folder,
        info=info,
    )


def _missing(folder: str, info: str, files: HostFiles) -> Iterator[str]:
    record = files.read(f"{folder}/{info}/RECORD")
    if record is None:
        yield f"{info}/RECORD"
        return
    for line in record.splitlines():
        path = line.split(",", 1)[0].strip('"')
        if _CHECKED.fullmatch(path) and not files.target(f"{folder}/{path}"):
            yield path


def _version_file(path: str, files: HostFiles) -> VersionFile | None:
    text = files.read(path)
    if text is None:
        return None
    values = dict(re.findall(r"^(__version__|cuda|hip)(?:\s*:[^=\n]+)?\s*=\s*(.+?)\s*$", text, re.MULTILINE))
    return VersionFile(
        version=_literal(values.get("__version__", "")) or "",
        cuda=_literal(values.get("cuda", "")),
        hip=_literal(values.get("hip", "")),
    )


def _literal(text: str) -> str | None:
    """The string that a Python literal holds, or None for `None` and for anything that is no plain string."""
    found = re.fullmatch(r"""(['"])([^'"]*)\1""", text)
    return found[2] if found and found[2] else None


def _conda_records(prefix: str, files: HostFiles) -> Iterator[CondaRecord]:
    for name in files.names(f"{prefix}/conda-meta"):
        # NAME-VERSION-BUILD.json: the name may hold dashes, the other two can't.
        if not name.endswith(".json") or name.rsplit("-", 2)[0] not in _CONDA:
            continue
        try:
            found = parse_json_object(files.read(f"{prefix}/conda-meta/{name}") or "")
        except JsonError:
            continue
        texts = {key: str(found.get(key, "")) for key in ("name", "version", "build", "channel")}
        yield CondaRecord(**texts, dist_infos=tuple(_dist_infos(found.get("files"))))


def _dist_infos(paths: object) -> Iterator[str]:
    """The dist-info folders in a record's list of files, which has one METADATA for each."""
    for path in paths if isinstance(paths, list) else ():
        if isinstance(path, str) and path.endswith(".dist-info/METADATA"):
            yield path.rsplit("/", 2)[1]


def _settings(prefix: str, files: HostFiles) -> Iterator[InstallSetting]:
    for path in (f"{prefix}/pip.conf", f"{prefix}/pip.ini"):
        yield from parse_pip_config(files.read(path) or "", path)


def _cuda_libraries(folders: Sequence[str], files: HostFiles) -> Iterator[str]:
    """Paths of CUDA's own libraries in the loader's extra folders, where they win over the ones that torch brings."""
    for folder in folders:
        for name in files.names(folder):
            if re.fullmatch(r"lib(cudart|cublas|cudnn|nccl|cusparse|cusolver|cufft|nvrtc|nvJitLink)\.so\.\d+", name):
                yield f"{folder}/{name}"


def base_version(version: str) -> str:
    """Return a version without its local part: 2.8.0 of 2.8.0+cu128."""
    return version.partition("+")[0]


def local(version: str) -> str:
    """Return the local part of a version: cu128 of 2.8.0+cu128, or an empty text."""
    return version.partition("+")[2]
