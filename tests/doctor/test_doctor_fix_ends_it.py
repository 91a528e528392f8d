"""A command that is printed is followed in a copy of the context, and the checks run again: its finding is gone.

So no fix installs what is there already, loads what does not serve the GPU, or comes back with the next run.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from _pytest.mark.structures import ParameterSet

from doctor.fix_simulation import followed
from doctor.samples import context_of
from doctor.samples_of_start import START_SAMPLES
from doctor.test_doctor_causes import SAMPLES
from doctor.test_doctor_threads import THREADS
from envgen.causes.context import Context
from envgen.doctor.diagnose import diagnose

# What only shows something, or leaves the computer for a person to change by hand.
_SHOWS = re.compile(r"^(envgen [a-z]|sudo dmesg|nvidia-smi -L|LD_DEBUG=)")
CONTEXTS = {
    **{f"cause-{s.number}": context_of(s.observation, s.inspected, s.run, s.neighbours) for s in SAMPLES},
    **{f"start-{s.name}": s.context for s in START_SAMPLES},
    **{f"thread-{t.number}": t.context for t in THREADS},
}


@cache
def commands() -> list[ParameterSet]:
    rows = []
    for name, context in CONTEXTS.items():
        fix = diagnose(context).fix
        if fix is not None and fix.command and not _SHOWS.match(fix.command):
            rows.append(pytest.param(context, id=name))
    return rows


@pytest.mark.parametrize("context", commands())
def test_the_command_ends_the_first_finding(context: Context) -> None:
    before = diagnose(context)
    assert before.fix is not None
    after = diagnose(followed(context, before.fix.command))
    first = (before.errors or before.findings)[0]
    assert first.code not in [error.code for error in after.errors], before.fix.command


def test_most_causes_have_a_command_that_is_followed() -> None:
    assert len(commands()) >= 60
    assert any(_command(row).startswith("envgen --") for row in commands())


def _command(row: ParameterSet) -> str:
    (context,) = row.values
    assert isinstance(context, Context)
    fix = diagnose(context).fix
    return fix.command if fix is not None else ""
