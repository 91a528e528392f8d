"""Runs uv's resolver for one platform; uv is the binary that its PyPI package carries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.core.platforms import MACOS
from envgen.core.stop import kept, scratch_folder
from envgen.net.cache import cache_folder
from envgen.net.deadline import Patience
from envgen.net.errors import UnreachableError
from envgen.net.sites import Site
from envgen.probe.process import end_process, own_group
from envgen.solve.errors import SolveFailedError, SolverError

if TYPE_CHECKING:
    from envgen.solve.pip.answer import UvPackage

PROJECT = "envgen-request"  # what asks for the requirements of a request
_OUTPUT = "pylock.toml"
_STAND_INS = "stand-ins"
_LOG = "uv.log"
_LOOK_S = 0.003  # between two looks at the process: Windows doesn't see Ctrl-C during a wait
_KEPT_ENV = frozenset({"UV_CACHE_DIR", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UvRequest:
    """What uv is asked: requirements and constraints (PEP 508), and where each package may come from.

    Packages named in `torch_names` come from `torch_index` only, all others from `default_index` only. `preferred`
    (project -> version) is taken where nothing speaks against it. `stand_ins` (file name -> bytes) are wheels that uv
    may take beside those of the default index.
    """

    subject: str
    python: str
    platform: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    torch_index: Site | None
    torch_names: tuple[str, ...]
    default_index: Site
    preferred: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, bytes] = field(default_factory=dict)


def compile_packages(
    request: UvRequest,
    *,
    patience: Patience,
    cache_dir: Path | None = None,
    log: list[str] | None = None,
) -> tuple[UvPackage, ...]:
    """Return uv's resolution, sorted by name; what its resolver says of its way is added to `log`.

    Raises: SolveFailedError, UnreachableError, SourceDataError, SolverError.
    """
    with started(request, patience=patience, cache_dir=cache_dir) as run:
        return run.packages([] if log is None else log)


@contextmanager
def started(request: UvRequest, *, patience: Patience, cache_dir: Path | None = None) -> Iterator[UvRun]:
    """uv at work on a request, until the block is left: its answer may be read, or not be wanted any more.

    Raises: SolverError.
    """
    with scratch_folder("envgen-uv-") as folder:
        run = UvRun(request, Path(folder), patience=patience, cache_dir=cache_dir)
        run.write_inputs()
        with run.at_work():
            yield run


class UvRun:
    """uv's process, its input files and its environment, for one request."""

    def __init__(self, request: UvRequest, folder: Path, *, patience: Patience, cache_dir: Path | None) -> None:
        self._request, self._folder, self._patience, self._cache_dir = request, folder, patience, cache_dir

    def write_inputs(self) -> None:
        request = self._request
        lines = ["[project]", f'name = "{PROJECT}"', 'version = "0"', "dependencies = ["]
        lines += [f"  {json.dumps(requirement)}," for requirement in request.requirements]
        lines += ["]", ""]
        if request.torch_index is not None:
            lines += ["[[tool.uv.index]]", 'name = "torch"', f"url = {json.dumps(request.torch_index.url)}"]
            lines += ["explicit = true", "", "[tool.uv.sources]"]
            lines += [f'{name} = {{ index = "torch" }}' for name in request.torch_names]
        (self._folder / "pyproject.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        constraints = "".join(f"{constraint}\n" for constraint in request.constraints)
        (self._folder / "constraints.txt").write_text(constraints, encoding="utf-8")
        if request.preferred:
            self._write_preferred()
        (self._folder / _STAND_INS).mkdir()
        for name, content in request.stand_ins.items():
            (self._folder / _STAND_INS / name).write_bytes(content)

    def _write_preferred(self) -> None:
        """Write the outputs as if an earlier run had made them: uv keeps the versions that it finds there."""
        lock = ['lock-version = "1.0"', 'created-by = "envgen"']
        for name, version in sorted(self._request.preferred.items()):
            lock += ["[[packages]]", f"name = {json.dumps(name)}", f"version = {json.dumps(version)}"]
        (self._folder / "pylock.toml").write_text("\n".join(lock) + "\n", encoding="utf-8")
        pins = "".join(f"{name}=={version}\n" for name, version in sorted(self._request.preferred.items()))
        (self._folder / "requirements.txt").write_text(pins, encoding="utf-8")

    def packages(self, log: list[str]) -> tuple[UvPackage, ...]:
        """uv's answer, once it is there. Raises: as `compile_packages`."""
        while (status := self._process.poll()) is None:
            if self._patience.deadline.left() <= 0:
                reason = f"uv was not done when the time limit passed ({self._limit_s:.0f} s after its start)"
                raise UnreachableError(url=self._slow_side(), reason=reason)
            time.sleep(_LOOK_S)
        from envgen.solve.pip import answer  # what reads is loaded while uv works

        told = (self._folder / _LOG).read_text("utf-8", "replace")
        log.append(told)
        if status != 0:
            failure = answer.failure(self._request, status, told)
            if isinstance(failure, SolveFailedError):
                self._check_pages(told)
            raise failure
        return answer.read_packages((self._folder / _OUTPUT).read_text(encoding="utf-8"), told)

    def _check_pages(self, told: str) -> None:
        """Read the pages on which uv saw no versions: to it, a page that says to log in is one of a project without.

        Raises: SourceDataError, UnreachableError.
        """
        from envgen.net.pip_index import read_project
        from envgen.solve.pip.answer import without_versions

        request = self._request
        for name in without_versions(told):
            index = request.torch_index if name in request.torch_names else None
            read_project(index or request.default_index, name, patience=self._patience)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Start the process; it is ended when the block is left."""

        def start() -> subprocess.Popen[bytes]:
            # Its log is a file: a pipe would fill up while something else is waited for.
            with (self._folder / _LOG).open("wb") as told:
                return subprocess.Popen(  # noqa: S603 -- our own list, no shell
                    self._command(), cwd=self._folder, env=self._environment(),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told, **own_group(),
                )  # fmt: skip

        self._limit_s = self._patience.deadline.left()
        with ExitStack() as stack:
            try:
                self._process = stack.enter_context(kept(start, end_process))
            except OSError as error:
                raise SolverError(solver="uv", reason=f"it could not be started: {error.strerror}") from error
            yield

    def _command(self) -> list[str]:
        """`uv pip compile`, which writes a pylock.toml."""
        request = self._request
        command = [
            _uv_binary(), "pip", "compile", "pyproject.toml", "--output-file", _OUTPUT, "--format", "pylock.toml",
            "--constraints", "constraints.txt", "--quiet", "--no-config", "--no-header", "--color", "never",
            "--python", sys.executable,  # or uv asks every interpreter on PATH for its version (seconds)
            "--python-version", request.python, "--python-platform", request.platform,
            "--only-binary", ":all:",
            # Not in pyproject.toml: --no-config hides it there, while the explicit index is read for the sources.
            "--default-index", f"pypi={request.default_index.url}",
        ]  # fmt: skip
        cache = self._cache_dir or _own_cache(self._folder / "cache")
        if cache is not None:
            command += ["--cache-dir", str(cache)]
        return [*command, *(["--find-links", _STAND_INS] if request.stand_ins else [])]

    def _slow_side(self) -> str:
        torch = self._request.torch_index
        return f"{torch.url} or {self._request.default_index.url}" if torch else self._request.default_index.url

    def _environment(self) -> dict[str, str]:
        """The caller's environment without its uv settings, and the logins that the input files must not hold."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("UV_") or k in _KEPT_ENV}
        kept |= {
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._folder)),  # it may be killed
            "NO_COLOR": "1",
            "RUST_LOG": "uv_resolver::resolver=debug",  # which package asked for which: pylock.toml doesn't say it
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_HTTP_RETRIES": str(max(0, self._patience.retry.attempts - 1)),
            "UV_HTTP_TIMEOUT": str(max(1, round(self._patience.retry.silence_s))),
        }
        if self._request.platform.endswith("-apple-darwin"):
            kept["MACOSX_DEPLOYMENT_TARGET"] = MACOS
        sites = {"PYPI": self._request.default_index, "TORCH": self._request.torch_index}
        for name, site in sites.items():
            if site is not None and (site.user or site.password):
                kept |= {f"UV_INDEX_{name}_USERNAME": site.user, f"UV_INDEX_{name}_PASSWORD": site.password}
        return kept


def _own_cache(scratch: Path) -> Path | None:
    """The folder for uv's cache: below envgen's own, because uv's lies in a home that may not be writable.

    None when the caller's UV_CACHE_DIR names one, which uv reads itself; `scratch` when nothing else can be written.
    """
    if os.environ.get("UV_CACHE_DIR"):
        return None
    folder = cache_folder().absolute() / "uv"  # uv runs in a folder of its own
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return scratch
    return folder if os.access(folder, os.W_OK) else scratch


def _uv_binary() -> str:
    try:
        import uv

        return os.fspath(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise SolverError(solver="uv", reason="its package is not installed beside envgen") from error
