"""Options are declared once, as fields of dataclasses: what a command is called with arrives as those values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from envgen.cli.main import main
from envgen.cli.options import takes
from envgen.facts import tables
from envgen.request.options import Option


@dataclass(frozen=True, kw_only=True)
class Colours:
    names: Annotated[tuple[str, ...], Option("--name", "COLOUR", "Repeatable.")] = ()
    mixed: Annotated[bool, Option("--apart", help="Leave them apart.")] = True
    bright: Annotated[bool, Option("--bright")] = False
    count: Annotated[int, Option("--count", minimum=1, environment="COLOURS_COUNT")] = 3
    file: Annotated[str | None, Option("--file", short="-f")] = None
    hidden: str = "not an option"


def called(*arguments: str, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> tuple[Colours, int]:
    """What a command that takes `Colours`, and an option of its own, was given."""
    given = []

    @takes(Colours, only=only, without=without)
    def paint(colours: Colours, coats: Annotated[int, typer.Option("--coats")] = 1) -> None:
        given.append((colours, coats))

    app = typer.Typer(add_completion=False)
    app.command()(paint)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return given[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), Colours()),
        (("--name", "red", "--name", "blue"), Colours(names=("red", "blue"))),
        (("--apart", "--bright"), Colours(mixed=False, bright=True)),
        (("--count", "5", "-f", "a"), Colours(count=5, file="a")),
    ],
)
def test_fields_are_options(arguments: tuple[str, ...], expected: Colours) -> None:
    assert called(*arguments) == (expected, 1)


def test_a_commands_own_options_stand_beside_them() -> None:
    assert called("--coats", "2", "--bright") == (Colours(bright=True), 2)


def test_a_variable_gives_a_default_that_the_command_line_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOURS_COUNT", "7")
    assert called()[0].count == 7
    assert called("--count", "8")[0].count == 8


@pytest.mark.parametrize("narrowed", [{"only": ("names",)}, {"without": ("mixed", "bright", "count", "file")}])
def test_a_command_may_take_some_of_them(narrowed: dict[str, tuple[str, ...]]) -> None:
    assert called("--name", "red", **narrowed)[0] == Colours(names=("red",))
    with pytest.raises(AssertionError, match="No such option"):
        called("--bright", **narrowed)


def test_help_states_the_catalogs_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "defaults.csv").write_text("name,value\npython,3.99\nglibc,2.99\n")
    monkeypatch.setattr(tables, "data_dir", lambda: tmp_path)
    for command in ([], ["resolve"], ["lock"]):
        assert main([*command, "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Default: 3.99, on any host." in said
        assert "Default: 2.99." in said


def test_mirrors_and_defaults_come_from_variables_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENVGEN_PYTHON", "3.11")
    assert main(["resolve", "--gpu", "GeForce MX450", "--platform", "win-64"]) == 0
    assert "Python 3.11" in capsys.readouterr().out
    monkeypatch.setenv("ENVGEN_WHEEL_MIRROR", "not a mirror")
    assert main(["--gpu", "GeForce MX450", "--platform", "win-64"]) == 2
    assert "--wheel-mirror" in capsys.readouterr().err
