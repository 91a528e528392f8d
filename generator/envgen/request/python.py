"""The Python of a request: CPython with its global lock; other builds and interpreters are refused with what to do."""

from __future__ import annotations

from envgen.core.errors import UsageError, quoted
from envgen.core.patterns import Pattern
from envgen.core.platforms import CUDA_SUBDIRS
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.request.values import parse_python

_FREE_THREADED = Pattern(
    r"(?:(?:c?python|cp|py)[ -]?)?3\.?([0-9]{1,2})(?:\.[0-9]+)?[ -]?(?:t|\(?(?:free[ -]?thread(?:ed|ing)|no-?gil)\)?)"
    r"|(?:c?python)?-?(?:free[ -]?thread(?:ed|ing)|no-?gil)[ -]?3\.([0-9]{1,2})",
)
_OTHER = Pattern(r"(pypy|graalpy|graalpython|jython|ironpython|micropython|pyodide|pp(?=3[0-9]))[ 0-9.t-]*")


def python_of(text: str, builds: Catalog) -> str:
    """Return the X.Y of a Python version.

    Raises: ValueFormatError for what is no version; UsageError for a free-threaded build and for another interpreter.
    """
    plain = text.strip().lower()
    if found := _FREE_THREADED.fullmatch(plain):
        raise _free_threaded(text, f"3.{found[1] or found[2]}", builds)
    if _OTHER.fullmatch(plain):
        raise UsageError(
            f"{quoted(text)} is not CPython, which PyTorch's builds with CUDA are made for",
            origin="--python",
            fact="the files of torch on PyPI and on PyTorch's index are for CPython alone (cp312 and the like)",
            hint=f"pass a version of CPython, such as --python {builds.default_python}",
        )
    return parse_python(text)


def _free_threaded(text: str, plain: str, builds: Catalog) -> UsageError:
    """The free-threaded build has wheels of its own (cp313t), of torch and of few other packages."""
    every = (build for subdir in CUDA_SUBDIRS for build in builds.builds(PackageSet.PIP, subdir))
    releases = sorted({build.torch for build in every if f"{plain}t" in build.pythons}, key=release_key)
    tag = f"cp{plain.replace('.', '')}t"
    exist = f"wheels of torch for it ({tag}) exist from {releases[0]} to {releases[-1]}" if releases else ""
    return UsageError(
        f"{quoted(text)} is the free-threaded build of Python, which envgen does not lock for",
        origin="--python",
        fact=exist or f"CPython has one since 3.13 (PEP 703), and no wheel of torch for {tag} is known",
        hint=f"pass --python {plain}, the build with the global lock",
    )
