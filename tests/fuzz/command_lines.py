"""Command lines that nobody would write: every option of every command, with values that are right, nearly, or no such."""

# ruff: noqa: E501 -- values stand side by side

from __future__ import annotations

from functools import cache

import click
import typer.main
from hypothesis import strategies as st

from envgen.cli.app import COMMANDS, build_app

# `lock --all` remakes what is shipped, `site` decides for a minute before it writes: given no place to write to.
LEFT_OUT = {("lock", "--all"), ("site", "--output"), ("site", "--force")}
GPUS = (
    "GeForce MX450",
    "RTX 4090",
    "H100",
    "gtx 1080",
    "10de:1f97",
    "sm_75",
    "cpu",
    "Jetson Orin",
    "A100,T4",
    "Tesla V100-SXM2...",
)
DRIVERS = (
    "560.94",
    "535",
    "R570",
    "32.0.15.6094",
    "12.6",
    "win-64=560.94",
    "nvidia-driver-535",
    "JetPack 6.2",
    "580.95.05",
)
PLATFORMS = ("linux-64", "win-64", "linux-aarch64", "wsl", "macos", "win-arm64", "osx-arm64")
FOLDERS = (
    ".",
    "out",
    "held",
    "held/..",
    "mine",
    "missing",
    "link",
    "loop",
    "pipe",
    "requirements.txt",
    "~",
    "/dev/null",
    "/proc/self",
)
FILES = ("requirements.txt", "pyproject.toml", "environment.yml", "uv.lock", "Dockerfile", "held/conda-lock.yml", "held", "pipe",
         "link", "loop", "missing", "-", "/dev/null", "/proc/self/mem", "report.txt", "machines.csv", "held/requirements.txt")  # fmt: skip
PLACES = ("http://127.0.0.1:1/", "http://me:pw@127.0.0.1:1/x", "https://[::1", "file:///etc", "ftp://x", "http://", "held", "pipe",
          "missing", "conda-forge", "bioconda")  # fmt: skip
PACKAGES = (
    "numpy",
    "pip:timm",
    "conda:py-opencv",
    "torch",
    "numpy>=1,<1",
    "a @ https://x/y.whl",
    "b[c]==1.0; python_version>'3'",
)
# Option -> values that somebody may well give it.
RIGHT: dict[str, tuple[str, ...]] = {
    "--gpu": GPUS,
    "--compute-capability": ("7.5", "9.0", "12.0", "7.5a", "10.1"),
    "--driver": DRIVERS,
    "--machine": ("RTX 4090;580.95.05", "H100;535;linux-64", "GTX 1080 Ti;550.54.15"),
    "--platform": PLATFORMS,
    "--python": ("3.12", "3.14", "3.9", "3.13t"),
    "--glibc": ("2.28", "2.17", "linux-aarch64=2.35"),
    "--torch": (">=2.6,<2.9", "==2.5.1", "2.9", "<2", "2.15.0"),
    "--cuda": ("cu126", "12.6", "cpu", "13", "cu132"),
    "--with": PACKAGES,
    "--requirements": FILES,
    "--environment": FILES,
    "--extra": ("gpu", "dev"),
    "--group": ("dev", "x"),
    "--channel": PLACES,
    "--allow-source": ("numpy", "hydra-core"),
    "--only": ("pip", "conda", "win-64=pip"),
    "--output": FOLDERS,
    "--name": ("ml", "base", "pytorch-2"),
    "--format": ("text", "json", "markdown", "github"),
    "--conda-mirror": PLACES,
    "--wheel-mirror": PLACES,
    "--lang": ("en", "ko"),
    "--target": ("lab", "laptop", "none"),
    "--gpu-runner": ("gpu", "self-hosted,linux,gpu", "win-64=w,gpu"),
    "--lockfiles": FOLDERS,
    "--shard": ("1/2", "2/2", "0/0"),
    "--changed-since": ("HEAD", "main~1"),
    "--machines": FILES,
    "--report": FILES,
    "--collect": ("collected.txt", "requirements.txt"),
    "--env": FOLDERS,
    "--root": FOLDERS,
    "--jobs": ("1", "4"),
    "--date": ("2026-01-31",),
}  # fmt: skip
ARGUMENTS = {
    "": (*GPUS[:2], "resolv"),
    "gpus": (*GPUS, "4090", "RTX"),
    "why-not": ("cu130", "CU128", "2.15.0+cu130", "2.6.0", "cpu"),
    "project": ("uv", "pixi", "docker"),
    "completion": ("bash", "zsh", "fish", "powershell"),
    "verify": FOLDERS,
    "audit": FILES,
}
ABSURD = (
    *("", " ", "-", "--", "---", "-x", "--gpu", "-h", "\0", "a\0b", "\n", "a\nb", "\r", "\t", "\x1b[31m", "\x1b]0;x\x07", "\x7f"),
    *("\ud800", "\udcff", "a\udc80b", "é…", "\u202eabc", "x\u200by", "\u2066x", "٣.١٢", "３．１２", "RTX\u00a04090", "\U0001f600"),
    *("0", "-1", "1e999", "nan", "9" * 5000, "1." * 3000, "-" * 3000, "a" * 70_000, "/a" * 3000, "../" * 500, "a," * 3000, "(" * 3000),
    *("${{ x }}", "'\";$(id)", "`id`", "%0a", "%s%n", "{0}", "{{ x }}", "C:\\x", "\\\\x\\y", "*", "~", "~root", "@x", "=", "win-64="),
    *("/dev/zero", "/dev/stdin", "/dev/full", "/dev/tty", "/", "/etc/passwd", "http://[", "https://x:99999999/", "git+ssh://x"),
)  # fmt: skip
INSERTED = (" ", "\n", "\u200b", "\0", "-", ".", "'", "٣", "\u202e", "x", "=", ";", ",", "%", "\udcff", "/")


@cache
def commands() -> dict[str, click.Command]:
    """Every command by name; the main job has the empty one."""
    main = typer.main.get_command(build_app(COMMANDS))
    assert isinstance(main, click.Group)
    return {"": main, **main.commands}


@st.composite
def values(draw: st.DrawFn, right: tuple[str, ...]) -> str:
    """A value that may be right, one character beside it, two in one, or anything."""
    match draw(st.sampled_from("rrrrrnnnpaaat")):
        case "r":
            return draw(st.sampled_from(right))
        case "n":
            word = draw(st.sampled_from(right))
            at, piece = draw(st.integers(0, len(word))), draw(st.sampled_from(INSERTED))
            return draw(
                st.sampled_from([word[:at] + piece + word[at:], word[:at] + word[at + 1 :], word.swapcase(), word * 2])
            )
        case "p":
            every = st.sampled_from(right + ABSURD)
            return draw(every) + draw(st.sampled_from(",; =:/+-@")) + draw(every)
        case "a":
            return draw(st.sampled_from(ABSURD))
        case _:
            return draw(st.text(max_size=20))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command, half the time with a request that is whole, and up to six of its options and arguments."""
    name = draw(st.sampled_from([*sorted(commands()), "", "", "resolve", "verify", "audit", "lock"]))
    options = [p for p in commands()[name].params if isinstance(p, click.Option) and (name, p.opts[0]) not in LEFT_OUT]
    line: list[str] = []
    if any("--gpu" in option.opts for option in options) and draw(st.booleans()):
        line += ["--gpu", draw(st.sampled_from(GPUS)), "--platform", draw(st.sampled_from(PLATFORMS[:3]))]
        line += ["--driver", draw(st.sampled_from(DRIVERS))] if draw(st.booleans()) else []
    for option in draw(st.lists(st.sampled_from(options), max_size=6)) if options else ():
        long = max(option.opts, key=len)
        line.append(draw(st.sampled_from([*option.opts, *option.secondary_opts])))
        if not option.is_flag:
            line.append(draw(values(RIGHT.get(long, ("1",)))))
    if name in ARGUMENTS:
        few = st.integers(0, 2) if name else st.sampled_from([0] * 9 + [1])
        line += [draw(values(ARGUMENTS[name])) for _ in range(draw(few))]
    if draw(st.integers(0, 9)) == 0:
        line.insert(draw(st.integers(0, len(line))), draw(st.sampled_from(ABSURD)))
    has = {opt for option in options for opt in option.opts}
    if "--timeout" in has:
        line += ["--timeout", "1"]
    if "--offline" in has and draw(st.integers(0, 3)):
        line.append("--offline")
    return [name, *line] if name else line
