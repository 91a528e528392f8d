"""How much is tried, from which seed, and what was found: a kind once, with a command that shows it again."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings

from equipment.examples import examples

# `poe fuzz` sets the first; the default run is small and the same each time.
EXAMPLES = int(os.environ.get("ENVGEN_FUZZ_EXAMPLES") or examples(60))
SEED = int(os.environ.get("ENVGEN_FUZZ_SEED", "1" if EXAMPLES <= 1000 else str(int(time.time()))))

Test = TypeVar("Test", bound=Callable[..., object])


def fuzzed(examples: int) -> Callable[[Test], Test]:
    """Settings of a test that goes on after a fault, so that one run finds every kind."""
    of_run = settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        database=None, derandomize=False, print_blob=False,
    )  # fmt: skip
    return lambda test: seed(SEED)(of_run(test))


class Findings:
    """The kinds of faults that a test has found; `module` shows a case again."""

    def __init__(self, place: Path, module: str) -> None:
        self.place, self.module = place, module
        self.kinds: dict[str, list[str]] = {}
        self.runs = 0
        self.slowest = (0.0, "")

    def count(self, cpu_s: float, case: str) -> None:
        """Count a run; a long search says now and then how far it is."""
        self.runs += 1
        self.slowest = max(self.slowest, (cpu_s, case))
        if self.runs % 500 == 0:
            print(f"\n{self.module}: {self.runs} runs", flush=True)

    def note(self, fault: str, case: dict[str, Any]) -> None:
        """Keep a fault of a case, which is what `show_again` takes."""
        kind = re.sub(r"[0-9]+|'[^']*'|\"[^\"]*\"", "_", fault)[:160]
        seen = self.kinds.setdefault(kind, [])
        if len(seen) < 3:
            text = json.dumps(case)
            if len(text) > 1500:
                path = self.place / f"case-{len(self.kinds)}-{len(seen)}.json"
                path.write_text(text)
                text = str(path)
            found = f"{fault}\n    PYTHONPATH=tests python -m {self.module} {shlex.quote(text)}"
            print(f"\nFOUND {found}", flush=True)
            seen.append(found)
        else:
            seen.append("")

    def close(self) -> None:
        """Fail with all kinds."""
        print(
            f"\n{self.module}: {self.runs} runs, seed {SEED}, slowest {self.slowest[0]:.1f} s: {self.slowest[1][:200]}"
        )
        shown = [f"{len(seen)} times: " + "\n  ".join(filter(None, seen)) for seen in self.kinds.values()]
        assert not shown, f"ENVGEN_FUZZ_SEED={SEED}, {self.runs} runs, {len(shown)} kinds\n" + "\n".join(shown)
