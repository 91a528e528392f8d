"""torch's own tables of which GPUs run which machine code, read from torch/cuda/__init__.py of a wheel."""

from __future__ import annotations

import ast
import re

from envgen.core.dataclass import dataclass

_TABLE = "DEVICE_REQUIREMENT"
_LATER = "DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRule:
    """Code of one compute capability runs from `above` up within its major, less `excluded`; or on `only` those.

    Capabilities are numbers without a dot, as torch writes them; `above` is None where `only` is said. `cuda_from` is
    the CUDA version of the build from which the rule holds, empty where it always does.
    """

    cuda_from: str
    code: int
    above: int | None
    excluded: tuple[int, ...] = ()
    only: tuple[int, ...] = ()


def rule_rows(torch: str, rules: tuple[DeviceRule, ...], source: str) -> list[dict[str, str]]:
    """The rows of device_rules.csv."""
    return [
        {
            "torch": torch,
            "cuda_from": rule.cuda_from,
            "code": _dotted(rule.code),
            "above": "" if rule.above is None else _dotted(rule.above),
            "excluded": " ".join(map(_dotted, rule.excluded)),
            "only": " ".join(map(_dotted, rule.only)),
            "source": source,
        }
        for rule in rules
    ]


def _dotted(number: int) -> str:
    return f"{number // 10}.{number % 10}"


def parse_device_rules(text: str) -> tuple[DeviceRule, ...]:
    """Return the rules of both tables; none where torch has no such table (before 2.11).

    Raises: ValueError when a table is there in a form that is not known.
    """
    if _TABLE not in text:
        return ()
    assigned = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assigned[node.target.id] = node.value
    rules = _rules(assigned.get(_TABLE), "")
    later = assigned.get(_LATER)
    if later is None:
        return rules
    since = re.search(r">= \((\d+), (\d+)\)", text)
    if not (isinstance(later, ast.BinOp) and isinstance(later.op, ast.BitOr) and since):
        raise ValueError(f"{_LATER} is not {_TABLE} | {{...}}, or no CUDA version says when it holds")
    return rules + _rules(later.right, f"{since[1]}.{since[2]}")


def _rules(table: ast.expr | None, cuda_from: str) -> tuple[DeviceRule, ...]:
    if not isinstance(table, ast.Dict):
        raise ValueError(f"{_TABLE} is no dict")  # noqa: TRY004 -- of the text, not of an argument
    return tuple(_rule(key, value, cuda_from) for key, value in zip(table.keys, table.values, strict=True))


def _rule(key: ast.expr | None, value: ast.expr, cuda_from: str) -> DeviceRule:
    if not (isinstance(key, ast.Constant) and isinstance(value, ast.Call) and isinstance(value.func, ast.Name)):
        raise ValueError(f"{_TABLE} holds {ast.dump(value)}")  # noqa: TRY004 -- as above
    given = {word.arg: ast.literal_eval(word.value) for word in value.keywords}
    given |= dict(zip(("values",), (ast.literal_eval(argument) for argument in value.args), strict=False))
    match value.func.id:
        case "_CompatInterval":
            excluded = tuple(sorted(given.get("exclude") or ()))
            return DeviceRule(cuda_from=cuda_from, code=int(str(key.value)), above=given["start"], excluded=excluded)
        case "_CompatSet":
            only = tuple(sorted(given["values"]))
            return DeviceRule(cuda_from=cuda_from, code=int(str(key.value)), above=None, only=only)
        case other:
            raise ValueError(f"{_TABLE} holds {other}")
