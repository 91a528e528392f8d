"""Makes a command out of a function that takes option groups: dataclasses whose fields carry an `Option`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from enum import StrEnum
from typing import Annotated, Any, get_origin

import click
import typer

from envgen.request.options import Option, declared


class OutputFormat(StrEnum):
    """How a reporting command prints."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[OutputFormat, typer.Option("--format", help="How to print the answer.")]
Command = Callable[..., Any]
TargetNames = Annotated[
    list[str] | None,
    typer.Option(
        "--target", metavar="NAME", help="A target of envgen.toml or [tool.envgen]. Repeatable. Default: all of them."
    ),
]


def takes(*groups: type, only: Collection[str] = (), without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Decorate a function whose first parameters are option groups: typer sees an option for each of their fields.

    `only` and `without` narrow the fields, by name; a field that is left out keeps its default.
    """

    def decorate(function: Command) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[len(groups) :]
        parameters = {group: list(_parameters(group, only, without)) for group in groups}

        def command(**given: object) -> object:
            made = [
                group(**{p.name: _read(group, p.name, given[p.name]) for p in parameters[group]}) for group in groups
            ]
            return function(*made, **{parameter.name: given[parameter.name] for parameter in own})

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        every = [parameter for group in groups for parameter in parameters[group]]
        every += [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        command.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined] # inspect documents it
        command.__annotations__ = {}
        return command

    return decorate


def defaults_of_catalog() -> dict[str, str]:
    """Name -> value of the table that help texts take their defaults from."""
    from envgen.facts.tables import read_table

    return {row["name"]: row["value"] for row in read_table("defaults")}


def fill_defaults(command: click.Command) -> None:
    """Put the catalog's defaults into the help texts of a click command and its subcommands."""
    defaults = defaults_of_catalog()
    for one in (command, *getattr(command, "commands", {}).values()):
        for parameter in one.params:
            if "{" in (getattr(parameter, "help", None) or ""):
                parameter.help = parameter.help.format(**defaults)


def _parameters(group: type, only: Collection[str], without: Collection[str]) -> Iterator[inspect.Parameter]:
    defaults = {field.name: field.default for field in fields(group)}
    for name, (kind, option) in declared(group).items():
        if name not in without and (not only or name in only):
            yield _parameter(name, kind, option, defaults[name])


def _parameter(name: str, kind: object, option: Option, default: object) -> inspect.Parameter:
    repeatable = get_origin(kind) is tuple
    info = typer.Option(
        option.flag,
        *([option.short] if option.short else []),
        metavar=option.metavar or None,
        help=option.help,
        envvar=option.environment or None,
        min=option.minimum,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if repeatable else False if kind is bool else default,
        annotation=Annotated[list[str] | None if repeatable else kind, info],
    )


def _read(group: type, name: str, given: object) -> object:
    default = next(field.default for field in fields(group) if field.name == name)
    if isinstance(default, tuple):
        return tuple(given) if isinstance(given, list) else ()
    return not given if default is True else given
