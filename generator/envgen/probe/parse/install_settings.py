"""Settings of pip and uv that can send an install somewhere else, from their files and variables."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Mapping

from envgen.core.toml_text import parse_toml
from envgen.probe.observation import InstallSetting

_PIP_KEYS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "constraint",
    "pre",
    "user",
    "target",
    "prefix",
    "no-deps",
    "no-binary",
)
_UV_KEYS = ("index-url", "extra-index-url", "default-index", "index", "find-links", "no-index", "index-strategy")
_UV_ONLY = ("torch-backend",)
_URL_SECRET = re.compile(r"(?<=://)[^/@\s]+@")


def parse_pip_config(text: str, origin: str) -> tuple[InstallSetting, ...]:
    """Return the settings of a pip.conf that matter; a file that pip itself could not read has none."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return ()
    return tuple(
        InstallSetting(origin=origin, key=key.replace("_", "-"), value=without_secrets(" ".join(value.split())))
        for section in ("global", "install")
        if parser.has_section(section)
        for key, value in parser.items(section)
        if key.replace("_", "-") in _PIP_KEYS and value
    )


def parse_uv_config(text: str, origin: str) -> tuple[InstallSetting, ...]:
    """Return the settings of a uv.toml that matter, its `[pip]` table included."""
    try:
        found = parse_toml(text)
    except tomllib.TOMLDecodeError:
        return ()
    settings = []
    for table in (found, found.get("pip", {})):
        for key in (*_UV_KEYS, *_UV_ONLY):
            if key in table:
                settings.append(InstallSetting(origin=origin, key=key, value=without_secrets(_shown(table[key]))))
    return tuple(settings)


def settings_of_variables(environ: Mapping[str, str]) -> tuple[InstallSetting, ...]:
    """Return the settings that environment variables make, sorted by variable."""
    names = {f"PIP_{key.upper().replace('-', '_')}": key for key in _PIP_KEYS}
    names |= {f"UV_{key.upper().replace('-', '_')}": key for key in (*_UV_KEYS, *_UV_ONLY)}
    return tuple(
        InstallSetting(origin=name, key=names[name], value=without_secrets(environ[name]))
        for name in sorted(names)
        if environ.get(name)
    )


def without_secrets(text: str) -> str:
    """Return the text with user names and tokens cut out of its URLs."""
    return _URL_SECRET.sub("", text)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return str(value.get("url", ""))
    return str(value)
