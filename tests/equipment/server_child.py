"""The program with another PyPI: `python -m equipment.server_child URL ARGUMENT...`; PyPI alone has no option."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from envgen.net.sites import Site

PYPI = "https://pypi.org/simple"


def main() -> None:
    own = sys.argv[1]
    real = Site.parse.__func__  # type: ignore[attr-defined]
    Site.parse = classmethod(lambda cls, url: real(cls, url.replace(PYPI, own, 1)))  # type: ignore[method-assign, assignment]
    sys.argv[1:] = sys.argv[2:]
    if sys.argv[1:2] == ["refresh"]:
        del sys.argv[1]
        runpy.run_module("envgen.refresh", run_name="__main__", alter_sys=True)
        return
    from envgen.cli import main as program

    run: Any = program.run
    run()


if __name__ == "__main__":
    main()
