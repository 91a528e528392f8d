"""Quotes a value for the format that it is written into: whatever it holds, it is read back as one value."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.errors import DataError, quoted
from envgen.core.escape import ascii_text
from envgen.core.patterns import Pattern

# How to say it in ASCII. Tools read generated comments in the locale's encoding, where a UTF-8 byte can be no character
# at all: pip until 24 (pypa/pip#12771), conda-lock 4.0.3 (`environment_file.open("r")`).
_ASCII = str.maketrans(
    {"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "×": "x", "®": "(R)", "™": "(TM)"}
    | {"→": "->", "≥": ">=", "≤": "<=", "\u00a0": " "}
)
# What a URL may hold (RFC 3986), without the # that begins a comment or a hash; no dash in front, it begins an option.
_WORD = Pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*)")
# What a double-quoted text of YAML and TOML holds as it is, `_escaped` of every other character.
_NO_ESCAPE = Pattern(r"[ !#-\[\]-~]*")
_BARE_ARGUMENT = Pattern(r"-{0,2}[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*|[A-Za-z0-9./][A-Za-z0-9._/:+-]*")
# Between double quotes these mean something to cmd.exe, PowerShell or sh, and no escape means the same to all three.
# `!=`, as in numpy!=2.0, means nothing to any: an interactive shell's history begins at a ! that no = follows (the
# manuals of bash and zsh), and in cmd.exe a ! counts only where delayed expansion was switched on.
_SHELL_SPECIAL = Pattern(r"[\"$`\u2018-\u201f]|!(?!=)|%(?![0-9][0-9A-Fa-f])|\\(?=[\\\"$`]|$)")


class UnsafeWordError(DataError):
    """A value that must be one plain word (a version, a URL, a hash) is not."""

    code = "value-unsafe"

    def __init__(self, value: str) -> None:
        super().__init__(
            f"{quoted(value)} cannot be written into a lock",
            "expected one word of the letters, digits and punctuation of a version or a URL",
        )


def double_quoted(value: str) -> str:
    r"""Return `value` as YAML and TOML have it, with the escapes that both know (`\"`, `\\`, `\u`, `\U`).

    A lone surrogate is no text, and TOML has no escape for it: it becomes U+FFFD.
    """
    text = str(value)
    return f'"{text}"' if _NO_ESCAPE.fullmatch(text) else '"' + "".join(map(_escaped, text)) + '"'


def toml_value(value: object) -> str:
    """Return plain values as TOML on one line.

    Raises: TypeError for a value that is none of strings, booleans, whole numbers, and lists and mappings of them.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return double_quoted(value)
        case int():
            return str(value)
        case list():
            return f"[{', '.join(map(toml_value, value))}]"
        case dict():
            pairs = (f"{double_quoted(key)} = {toml_value(of)}" for key, of in value.items())
            return f"{{ {', '.join(pairs)} }}" if value else "{}"
        case _:
            raise TypeError(f"{type(value).__name__} has no TOML")


def python_literal(value: object) -> str:
    """Return `value` as an ASCII Python literal.

    Raises: TypeError when it is not made of plain values: its repr would be code.
    """
    import ast

    plain = str(value) if isinstance(value, str) else value
    text = ascii(plain)
    try:
        same = ast.literal_eval(text) == plain
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise TypeError(f"{type(value).__name__} has no literal")
    return text


def comment_line(value: str) -> str:
    """Return `value` as ASCII text that stays on one line of a comment; what is not printable is escaped.

    A backslash at the end would join the next line to it in some readers, so a full stop follows.
    """
    line = ascii_text(value.translate(_ASCII)).rstrip()
    return f"{line}." if line.endswith("\\") else line


def word(value: str) -> str:
    """Return `value` as it is, for places that know no quoting: lines of requirements.txt and of explicit locks.

    Raises: UnsafeWordError when it is not one word.
    """
    text = str(value)
    if not _WORD.fullmatch(text):
        raise UnsafeWordError(text)
    return text


def command_line(arguments: Sequence[str]) -> str:
    """Return a command line that cmd.exe, PowerShell and sh read alike.

    Characters for which there is no such spelling (`"`, `$`, backtick, `!` but not in `!=`, `%`, control characters)
    become `?`: a pasted command may then fail to find its GPU, but it never runs anything else.
    """
    return " ".join(_argument(argument) for argument in arguments)


def _argument(argument: str) -> str:
    if _BARE_ARGUMENT.fullmatch(argument):
        return argument
    safe = _SHELL_SPECIAL.sub("?", argument)
    return '"' + "".join(c if c.isprintable() else "?" for c in safe) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~":
        return char
    point = 0xFFFD if 0xD800 <= ord(char) <= 0xDFFF else ord(char)
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"
