"""Makes a command out of a function that takes option groups: dataclasses whose fields carry an `Option`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import Field, fields
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import typer

from envgen.request.options import Option


class OutputFormat(StrEnum):
    """How a reporting command prints."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[OutputFormat, typer.Option("--format", help="How to print the answer.")]
Command = Callable[..., Any]


def takes(*groups: type, only: Collection[str] = (), without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Decorate a function whose first parameters are option groups: typer sees an option for each of their fields.

    `only` and `without` narrow the fields, by name; a field that is left out keeps its default.
    """

    def decorate(function: Command) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[len(groups) :]
        declared = {group: list(_parameters(group, only, without)) for group in groups}

        def command(**given: object) -> object:
            made = [group(**{p.name: _read(group, p.name, given[p.name]) for p in declared[group]}) for group in groups]
            return function(*made, **{parameter.name: given[parameter.name] for parameter in own})

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        parameters = [parameter for group in groups for parameter in declared[group]]
        parameters += [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect documents it
        command.__annotations__ = {}
        return command

    return decorate


def fill_defaults(command: click.Command) -> None:
    """Put the catalog's defaults into the help texts of a click command and its subcommands."""
    from envgen.facts.tables import read_table

    defaults = {row["name"]: row["value"] for row in read_table("defaults")}
    for one in (command, *getattr(command, "commands", {}).values()):
        for parameter in one.params:
            if "{" in (getattr(parameter, "help", None) or ""):
                parameter.help = parameter.help.format(**defaults)


def _parameters(group: type, only: Collection[str], without: Collection[str]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        declared = next((a for a in get_args(hints[field.name]) if isinstance(a, Option)), None)
        if declared is None or field.name in without or (only and field.name not in only):
            continue
        yield _parameter(field, get_args(hints[field.name])[0], declared)


def _parameter(field: Field[object], kind: object, declared: Option) -> inspect.Parameter:
    repeatable = get_origin(kind) is tuple
    option = typer.Option(
        declared.flag,
        *([declared.short] if declared.short else []),
        metavar=declared.metavar or None,
        help=declared.help,
        envvar=declared.environment or None,
        min=declared.minimum,
    )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if repeatable else False if kind is bool else field.default,
        annotation=Annotated[list[str] | None if repeatable else kind, option],
    )


def _read(group: type, name: str, given: object) -> object:
    default = next(field.default for field in fields(group) if field.name == name)
    if isinstance(default, tuple):
        return tuple(given) if isinstance(given, list) else ()
    return not given if default is True else given
