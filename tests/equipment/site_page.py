"""Runs the finder's script in node, as a page would."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from envgen.files.templates import read_template
from envgen.site.names import NameTables

NODE = shutil.which("node")
NEEDS_NODE = pytest.mark.skipif(NODE is None, reason="node runs the page's script")

_PROGRAM = """
const { readFileSync } = require("fs");
const { data, script, calls } = JSON.parse(readFileSync(0, "utf8"));
(0, eval)(script);
const finder = globalThis.envgenFinder.makeFinder(data);
const answers = calls.map(([name, ...values]) => finder[name](...values));
process.stdout.write(JSON.stringify(answers));
"""


def run_page(data: dict[str, Any], *calls: list[Any]) -> list[Any]:
    """Run the finder's functions in node over some data."""
    given = json.dumps({"data": data, "script": read_template("site/finder.js"), "calls": calls})
    done = subprocess.run(
        [str(NODE), "-e", _PROGRAM], input=given, capture_output=True, text=True, check=True, timeout=120
    )
    answers: list[Any] = json.loads(done.stdout)
    return answers


def shown(names: NameTables, answer: dict[str, Any]) -> str:
    """What the page says to a name: a capability, `ask`, or why it says nothing."""
    if answer["state"] == "found":
        return str(names.gpus[answer["at"]].capability)
    return str(answer["state"])


def spellings(names: list[str], count: int) -> list[str]:
    """Names as people write them: case, spaces, hyphens, words left out and words around; the same at each run."""
    draw = random.Random(11)
    around = (
        "{}",
        "NVIDIA {}",
        "{} 8GB",
        "my {} card",
        "{} or better",
        "{} SUPER",
        "ASUS Dual {} OC",
        "a {}",
        "{}, or similar",
    )
    changes: tuple[Callable[[str], str], ...] = (
        str,
        str.lower,
        str.upper,
        lambda name: name.replace(" ", ""),
        lambda name: name.replace(" ", "-"),
        lambda name: name.replace("GeForce ", ""),
        lambda name: re.sub(r"^\w+ ", "", name),
    )
    return [draw.choice(around).format(draw.choice(changes)(draw.choice(names))) for _ in range(count)]
