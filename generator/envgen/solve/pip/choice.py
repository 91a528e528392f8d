"""Chooses one file of several that fit a host, in the order in which pip and uv prefer them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envgen.core.wheel_names import file_name, host_tags
from envgen.solve.errors import SolverError
from envgen.solve.pip.query import PipQuery

if TYPE_CHECKING:
    from envgen.solve.pip.answer import UvPackage, UvWheel


def best_wheel(package: UvPackage, query: PipQuery) -> UvWheel:
    """Return the file whose tag stands first for the query's host; the higher build tag decides a tie.

    Raises: SolverError when none fits.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if len(package.wheels) == 1 and not package.wheels[0].url.endswith(".whl"):  # a source, which was allowed
        return package.wheels[0]
    ranks = host_tags(query.python, query.subdir, query.glibc)
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
