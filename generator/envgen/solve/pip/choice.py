"""Chooses one file of several that fit a host, in the order in which pip and uv prefer them."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.platforms import Subdir
from envgen.core.wheel_names import file_name, glibc_key
from envgen.solve.errors import SolverError
from envgen.solve.pip.query import PipQuery
from envgen.solve.pip.uv import UvPackage, UvWheel


def best_wheel(package: UvPackage, query: PipQuery) -> UvWheel:
    """Return the file whose tag stands first for the query's host; the higher build tag decides a tie.

    Raises: SolverError when none fits.
    """
    from packaging.tags import Tag, compatible_tags, cpython_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    major, _, minor = query.python.partition(".")
    version = (int(major), int(minor))
    platforms = list(_platforms(query))
    abi = f"cp{major}{minor}"
    ranks: dict[Tag, int] = {}
    for tag in (*cpython_tags(version, abis=[abi], platforms=platforms), *compatible_tags(version, abi, platforms)):
        ranks.setdefault(tag, len(ranks))
    ranked = []
    for wheel in package.wheels:
        filename = file_name(wheel.url)
        try:
            _, _, build, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            continue
        fitting = [ranks[tag] for tag in tags if tag in ranks]
        if fitting:
            ranked.append((-min(fitting), build, filename, wheel))
    if not ranked:
        raise SolverError(solver="uv", reason=f"no file of {package.name} {package.version} fits {query.subject}")
    return max(ranked, key=lambda item: item[:3])[3]


def _platforms(query: PipQuery) -> Iterator[str]:
    """The platform tags of the query's host, best first."""
    if query.subdir.is_windows:
        yield "win_amd64"
        return
    machine = "aarch64" if query.subdir is Subdir.LINUX_AARCH64 else "x86_64"
    legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    for minor in range(glibc_key(query.glibc)[1], 4, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in legacy:
            yield f"{legacy[minor]}_{machine}"
    yield f"linux_{machine}"
