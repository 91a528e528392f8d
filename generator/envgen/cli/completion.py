"""Completion scripts for shells, made from the same options as the commands: static, so that a Tab starts no Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

SHELLS = ("bash", "zsh", "fish", "powershell")
# The main job has no name; its options are those of the group itself.
_MAIN = ""


def script(shell: str) -> str:
    """The script for one of SHELLS."""
    return _SCRIPTS[shell](words())


def words() -> Mapping[str, tuple[str, ...]]:
    """Command -> its options, sorted; an empty name for the main job, which has the commands as well."""
    from typer.main import get_command

    from envgen.cli.app import COMMANDS, build_app

    group = get_command(build_app(COMMANDS))
    commands: Mapping[str, click.Command] = getattr(group, "commands", {})
    found = {name: _options(command) for name, command in sorted(commands.items())}
    return {_MAIN: tuple(sorted(found)) + _options(group), **found}


def _options(command: click.Command) -> tuple[str, ...]:
    context = click.Context(command)
    flags = (flag for parameter in command.get_params(context) for flag in parameter.opts if flag.startswith("--"))
    return tuple(sorted(flags))


def _bash(known: Mapping[str, tuple[str, ...]]) -> str:
    cases = "\n".join(f"    {name}) words='{' '.join(options)}' ;;" for name, options in known.items() if name)
    return f"""# bash completion of envgen: source it, or put it into ~/.local/share/bash-completion/completions/envgen
_envgen() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words='{" ".join(known[_MAIN])}'
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then words='{" ".join(known[_MAIN])}'; fi
  if [[ $current == -* || $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _envgen envgen cuda-envgen
"""


def _zsh(known: Mapping[str, tuple[str, ...]]) -> str:
    cases = "\n".join(f"      {name}) offered=({' '.join(options)}) ;;" for name, options in known.items() if name)
    return f"""#compdef envgen cuda-envgen
# zsh completion of envgen: put it into a folder of $fpath, as _envgen
_envgen() {{
  local -a offered
  offered=({" ".join(known[_MAIN])})
  if (( CURRENT > 2 )); then
    case ${{words[2]}} in
{cases}
    esac
    [[ $PREFIX == -* ]] || {{ _files; return }}
  fi
  compadd -- $offered
}}
_envgen "$@"
"""


def _fish(known: Mapping[str, tuple[str, ...]]) -> str:
    lines = ["# fish completion of envgen: put it into ~/.config/fish/completions/envgen.fish"]
    for program in ("envgen", "cuda-envgen"):
        names = [name for name in known if name]
        lines.append(f"complete -c {program} -n __fish_use_subcommand -f -a '{' '.join(names)}'")
        for name, options in known.items():
            where = f"'__fish_seen_subcommand_from {name}'" if name else "__fish_use_subcommand"
            lines += [f"complete -c {program} -n {where} -l {one[2:]}" for one in options if one.startswith("--")]
    return "\n".join(lines) + "\n"


def _powershell(known: Mapping[str, tuple[str, ...]]) -> str:
    rows = "\n".join(f"    '{name}' = '{' '.join(options)}'" for name, options in known.items())
    return f"""# PowerShell completion of envgen: add this to $PROFILE
Register-ArgumentCompleter -Native -CommandName envgen, cuda-envgen -ScriptBlock {{
  param($current, $line, $position)
  $known = @{{
{rows}
  }}
  $named = $line.CommandElements | Select-Object -Skip 1 -First 1
  $options = $known['']
  if ($named -and "$named" -ne $current -and $known.ContainsKey("$named")) {{ $options = $known["$named"] }}
  $options -split ' ' | Where-Object {{ $_ -like "$current*" }} | ForEach-Object {{
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterName', $_)
  }}
}}
"""


_SCRIPTS: Mapping[str, Callable[[Mapping[str, tuple[str, ...]]], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
    "powershell": _powershell,
}
