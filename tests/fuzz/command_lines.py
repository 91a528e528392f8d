"""Command lines that nobody would write: every option of every command, with values of every kind."""

from __future__ import annotations

from functools import cache

import click
import typer.main
from hypothesis import strategies as st

from envgen.cli.app import COMMANDS, build_app

# `doctor` and `probe` start programs of the host; `lock --all` remakes what is shipped.
LEFT_OUT = frozenset({"doctor", "probe"})
NEVER = frozenset({"--all", "--collect"})
WORDS = (
    *(
        "GeForce MX450",
        "RTX 4090",
        "H100",
        "gtx 1080",
        "10de:1f97",
        "sm_75",
        "cpu",
        "Jetson Orin",
        "RTX 4900",
        "A100,T4",
    ),
    *(
        "560.94",
        "535",
        "R570",
        "32.0.15.6094",
        "12.6",
        "linux-64",
        "win-64",
        "linux-aarch64",
        "wsl",
        "macos",
        "win-arm64",
    ),
    *("3.12", "3.14", "2.28", "cu126", "cu128", ">=2.6,<2.9", "==2.5.1", "7.5", "9.0", "12.0", "7.5a", "json", "text"),
    *(
        "numpy",
        "pip:timm",
        "conda:py-opencv",
        "torch",
        "numpy>=1,<1",
        "pip",
        "conda",
        "CU130",
        "2.15.0+cu130",
        "x" * 300,
    ),
    *(
        ".",
        "out",
        "/",
        "/dev/null",
        "/proc/self/mem",
        "~",
        "no/such/folder",
        "-",
        "--",
        "-x",
        "a b",
        "${{ x }}",
        "'\";$(id)",
    ),
    *("", " ", "\0", "\n", "\ud800", "\x1b[31m", "é…", "0", "-1", "1e999", "9" * 5000, "a" * 70_000, "/a" * 3000),
    *("http://127.0.0.1:1/", "http://me:pw@127.0.0.1:1/x", "https://[::1", "file:///etc", "ftp://x", "http://", "%0a"),
)


@cache
def commands() -> dict[str, click.Command]:
    """Every command by name; the main job has the empty one."""
    main = typer.main.get_command(build_app([name for name in COMMANDS if name not in LEFT_OUT]))
    assert isinstance(main, click.Group)
    return {"": main, **main.commands}


def values() -> st.SearchStrategy[str]:
    """One value: a word that somebody might write, two of them, or any text."""
    word = st.sampled_from(WORDS)
    return st.one_of(word, word, st.tuples(word, st.sampled_from(",; =:/+-@"), word).map("".join), st.text(max_size=20))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command and up to eight of its options and arguments."""
    name = draw(st.sampled_from(sorted(commands())))
    parameters = [p for p in commands()[name].params if not NEVER.intersection(p.opts)]
    options = [parameter for parameter in parameters if isinstance(parameter, click.Option)]
    line = [name] if name else []
    if not name:
        line += ["--gpu", draw(st.sampled_from(WORDS[:10]))] if draw(st.booleans()) else []
    for option in draw(st.lists(st.sampled_from(options), max_size=8)) if options else ():
        line.append(draw(st.sampled_from([*option.opts, *option.secondary_opts])))
        if not option.is_flag:
            line.append(draw(values()))
    for parameter in parameters:
        if isinstance(parameter, click.Argument):
            line += draw(st.lists(values(), max_size=2))
    return line
