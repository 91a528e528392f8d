"""The values of a target, read as the run will read them: each by itself, so that every mistake is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from envgen.ci.matrix import GpuRunner
from envgen.core.errors import EnvgenError
from envgen.facts.catalog import Catalog
from envgen.net.sites import check_wheel_mirror
from envgen.request.cpu import asks_for_cpu
from envgen.request.drivers import read_drivers
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.values import for_platform, parse_name, parse_set
from envgen.requirements.read import read_files
from envgen.resolve.evaluation import Evaluation
from envgen.solve.conda.channels import read_channel
from envgen.solve.conda.source import ChannelSource
from envgen.solve.extras import read_extras
from envgen.targets.manifest import Target
from envgen.targets.toml_lines import Place

# The values of one key, each with its place in the file.
Stated = tuple[tuple[Any, Place], ...]
# A request that nothing speaks against, to try one value in.
_PLAIN = RequestOptions(capabilities=("7.5",), platforms=("linux-64",))


def mistakes_of(
    target: Target, values: Mapping[str, Stated], root: Path, *, is_well_formed: bool
) -> Iterator[tuple[Place, str]]:
    """The places of what can't be read, each with the reason; an empty place is the target itself."""
    found = [*_of_request(target.wanted, values), *_of_files(target, values, root)]
    yield from found
    # Without a GPU that of this computer would be taken.
    has_gpu = any(values.get(field) for field in ("gpus", "capabilities", "machines", "cuda"))
    if is_well_formed and has_gpu and not found and (error := _error(_decide, target.wanted)) is not None:
        yield (), text_of(error)


def text_of(error: EnvgenError) -> str:
    """An error on one line, without the option of the command line."""
    return " ".join("; ".join(part for part in (error.what(), *error.facts(), error.hint()) if part).split())


def _of_request(wanted: RequestOptions, values: Mapping[str, Stated]) -> Iterator[tuple[Place, str]]:
    if (error := _error(asks_for_cpu, wanted, wanted.cuda or "")) is not None:
        yield values["gpus"][0][1], text_of(error)
        return
    plain = replace(_PLAIN, capabilities=(), cuda="cpu") if asks_for_cpu(wanted, wanted.cuda or "") else _PLAIN
    good = []
    for platform, place in values.get("platforms", ()):
        error = _error(_read, replace(plain, platforms=(platform,)))
        if error is not None:
            yield place, text_of(error)
        else:
            good.append(platform)
    there = replace(plain, platforms=tuple(good) or plain.platforms)
    is_known = True
    for field, alone in (
        ("gpus", replace(there, capabilities=(), cuda=None)),
        ("capabilities", there),
        ("machines", replace(there, capabilities=(), cuda=None)),
        ("glibc", there),
    ):
        for value, place in values.get(field, ()):
            options = replace(alone, **{field: (value,)})  # type: ignore[arg-type] # these four are tuples
            if (error := _error(_read, options)) is not None:
                is_known = is_known and field == "glibc"
                yield place, text_of(error)
    for field in ("python", "torch", "cuda"):
        for value, place in values.get(field, ()):
            options = replace(plain, **{field: value})
            if (error := _error(_decide, options)) is not None:
                yield place, text_of(error)
    for value, place in values.get("drivers", ()):
        options = replace(there, gpus=wanted.gpus, capabilities=wanted.capabilities, drivers=(value,))
        is_read = is_known and bool(good) and bool(wanted.gpus or wanted.capabilities)
        error = _error(_read, options) if is_read else _error(read_drivers, (value,))
        if error is not None:
            yield place, text_of(error)


def _of_files(target: Target, values: Mapping[str, Stated], root: Path) -> Iterator[tuple[Place, str]]:
    """What is wrong with the options about files, and in the files of requirements."""
    writing = target.writing
    for field, read in (
        ("name", parse_name),
        ("only", lambda text: parse_set(for_platform(text)[1])),
        ("with_packages", lambda text: read_extras((text,), ())),
        ("runner", GpuRunner.parse),
        ("channels", read_channel),
        ("wheel_mirror", check_wheel_mirror),
        ("conda_mirror", ChannelSource.parse),
    ):
        for value, place in values.get(field, ()):
            with chdir(root):
                error = _error(read, value)
            if error is not None:
                yield place, text_of(error)
    yield from _of_inputs(writing.requirements, values, root)


def _of_inputs(requirements: Sequence[str], values: Mapping[str, Stated], root: Path) -> Iterator[tuple[Place, str]]:
    """What is wrong in the files of requirements; a pyproject.toml is asked for each extra and group by itself."""
    projects: list[str] = []
    for field in ("requirements", "environments"):
        for value, place in values.get(field, ()):
            if Path(value).is_absolute():
                yield place, f"{value} is absolute: a path is relative to the project's file"
                continue
            if (root / value).exists() and not (root / value).is_file():
                yield place, f"{value} is no file"
                continue
            with chdir(root):
                error = _error(partial(read_files, (value,), extras=(), groups=()))
            if error is not None:
                yield place, text_of(error)
            else:
                projects += [value] if Path(value).suffix == ".toml" else []
    for field in ("extras", "groups"):
        for value, place in values.get(field, ()):
            if not any(Path(path).suffix == ".toml" for path in requirements):
                yield place, f"{value} is of a pyproject.toml, and requirements names none"
            for path in projects:
                with chdir(root):
                    error = _error(partial(read_files, (path,), **{"extras": (), "groups": (), field: (value,)}))
                if error is not None:
                    yield place, text_of(error)


def _error(read: Callable[..., object], *given: object) -> EnvgenError | None:
    try:
        read(*given)
    except EnvgenError as error:
        return error
    return None


def _read(options: RequestOptions) -> object:
    return read_request(options, Catalog.load())


def _decide(options: RequestOptions) -> None:
    """Read a request as far as a decision reads it."""
    builds = Catalog.load()
    for request in read_request(options, builds).requests:
        Evaluation.of(request, builds)
