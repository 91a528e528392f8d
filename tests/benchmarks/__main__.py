"""The command: `python -m benchmarks` (see the package's own text)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import benchmarks
from benchmarks.conda_locks import monolithic, records, sharded
from benchmarks.decisions import COUNT, decisions
from benchmarks.results import Result, as_json, as_text, machine
from benchmarks.starts import generate, resolve

NAMES = ("resolve", "generate", "decisions", "sharded", "monolithic", "records")


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks that were asked for and print each as soon as it is done."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if "records" in options.names and options.records is None:
        parser.error("records needs --records DIR")
    names = options.names or [name for name in NAMES if name != "records" or options.records]
    results: list[Result] = []
    with _cache(options.cache) as cache:
        runs = _runs(options, cache)
        for name in names:
            print(f"measuring {name} ...", file=sys.stderr)
            results.append(runs[name]())
            if options.format == "text":
                head = f"{machine()}\n\n" if len(results) == 1 else ""
                print(head + as_text(results[-1:]), flush=True)
    if options.format == "json":
        print(json.dumps(as_json(results), indent=2))
    return 0


def _runs(options: argparse.Namespace, cache: Path) -> dict[str, Callable[[], Result]]:
    """Name -> the benchmark, with the options it takes."""
    quick = options.quick
    rounds, few, scale = (5, 3, 0.05) if quick else (21, 5, 1.0)
    return {
        "resolve": lambda: resolve(rounds),
        "generate": lambda: generate(rounds),
        "decisions": lambda: decisions(few, COUNT // 10 if quick else COUNT),
        "sharded": lambda: sharded(few, cache, scale),
        "monolithic": lambda: monolithic(few, cache, scale),
        "records": lambda: records(few, options.records),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=benchmarks.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (all without one)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a smaller channel")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--cache", metavar="DIR", type=Path, help="keep the invented channel here")
    parser.add_argument("--records", metavar="DIR", type=Path, help="real records for `records`")
    return parser


@contextmanager
def _cache(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="envgen-benchmarks-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
