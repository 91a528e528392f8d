"""Takes out of a text what names a person, a computer, a project or one particular GPU, and what opens a door."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.dataclass import dataclass
from envgen.probe.parse.install_settings import without_secrets

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_GPU_UUID = re.compile(r"\b(GPU|MIG)-[0-9a-f][0-9a-f/-]{5,}", re.IGNORECASE)
_LONG_HEX = re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![^\s@<>\"'(])[^\s@<>\"'(]+@(?:[^\s@<>\"']+\.[a-z]{2,}|[\w-]+(?=[:~]))", re.IGNORECASE)
_SERIAL = re.compile(
    r"^([ \t]*+(?:Serial Number[ \t]*|Board ID[ \t]*|Inforom[^:\n]*|[^:\n]*Part Number[ \t]*):).*$", re.MULTILINE
)
# Home folders of anybody, on Linux, macOS, Windows and Windows seen from WSL. A name may hold spaces.
_HOMES = re.compile(
    r"(?:(?:/mnt/[a-z])?/(?:home|Users|export/home)/|[A-Z]:[\\/]+Users[\\/]+)"
    r"(?:[^\\/\n\"':;]+(?=[\\/])|[^\\/\s\"':;]+)",
    re.IGNORECASE,
)
# What lies between a home folder and the parts of a path that say something about the installation.
_TELLING = (
    r"(?:\.?venv\b|env\b|bin[/\\]|lib[/\\]|Lib[/\\]|Scripts[/\\]|mini(?:conda|forge)\w*|anaconda\w*|mambaforge|\.local\b"
    r"|\.config\b|\.cache\b|\.pixi\b|\.pyenv\b|\.conda\b|AppData\b|site-packages)"
)
_IN_HOME = re.compile(rf"~([/\\]++)(?!{_TELLING}|<)(?:[^\s\"':;,)\]]*?[/\\]+(?={_TELLING})|([^\s\"':;,)\]]+))")
_NAMED_ENVIRONMENT = re.compile(r"([/\\]envs[/\\]+)(?!<)[^\s/\\\"':;,)]+")
_QUERY = re.compile(r"([?&][\w.%~-]+=)[^&\s\"'<>]+")
_SECRET = re.compile(
    r"(?i)(?<![\w-])(?=key|[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|signature|credential))"
    r"(?P<name>[\w-]++\s*+[=:]\s*+)"
    r"(?P<value>[^\s\"',;&]+)"
)
_KEY = re.compile(r"\b(?:sk|hf|ghp|gho|ghs|glpat|github_pat|xox[abp]|AKIA|ASIA)[-_]?[A-Za-z0-9_-]{12,}")
_URL_HOST = re.compile(r"(?<=://)[^/\s\"'?]+")
_HOST = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|edu|gov|mil|internal|local|lan|corp|intranet"
    r"|localdomain|cloud|eu|de|fr|uk|cn|jp|ru|ch|at|nl|it|es|pl|se|fi|dk|br|au|ca|us|kr|tw|example)(?![\w-])",
    re.IGNORECASE,
)
_PUBLIC_HOSTS = frozenset(
    {"pypi.org", "files.pythonhosted.org", "download.pytorch.org", "download-r2.pytorch.org", "pypi.nvidia.com"}
    | {"conda.anaconda.org", "repo.anaconda.com", "github.com", "pypi.jetson-ai-lab.io", "mirrors.aliyun.com"}
    | {"pypi.tuna.tsinghua.edu.cn", "mirror.sjtu.edu.cn", "mirrors.ustc.edu.cn", "pytorch.org", "www.nvidia.com"}
    | {"nvidia.com", "docs.nvidia.com", "developer.nvidia.com", "www.kernel.org", "aka.ms", "learn.microsoft.com"}
)
# Accounts that half the computers have name nobody, and replacing these words would make a report unreadable.
_NOBODY = frozenset(
    {"root", "user", "nvidia", "ubuntu", "admin", "administrator", "runner", "docker", "localhost", "linux", "windows"}
    | {"python", "torch", "pytorch", "cuda", "conda", "gpu", "jetson", "wsl", "test", "home", "app", "ec2-user"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What names the person, the computer and the work: account, host, home, folder of the project. Empty: unknown."""

    user: str = ""
    host: str = ""
    home: str = ""
    project: str = ""


def scrub(text: str, identity: Identity) -> str:
    """Return the text without credentials, home and project folders, account and host names, serials and UUIDs."""
    cleaned = _QUERY.sub(r"\1<removed>", without_secrets(text))
    cleaned = _SECRET.sub(r"\g<name><removed>", _KEY.sub("<removed>", cleaned))
    for folder, short in ((identity.project, "<project>"), (identity.home, "~")):
        for spelling in _spellings(folder):
            cleaned = re.sub(re.escape(spelling) + r"(?![^\W_])", short, cleaned, flags=re.IGNORECASE)
    cleaned = _IN_HOME.sub(lambda found: f"~{found[1]}" + ("<path>" if found[2] else ""), _HOMES.sub("~", cleaned))
    cleaned = _NAMED_ENVIRONMENT.sub(r"\1<environment>", cleaned)
    cleaned = _GPU_UUID.sub(r"\1-<uuid>", cleaned)
    cleaned = _UUID.sub("<uuid>", cleaned)
    cleaned = _LONG_HEX.sub("<id>", cleaned)
    cleaned = _EMAIL.sub("<address>", cleaned)
    cleaned = _SERIAL.sub(r"\1 <removed>", cleaned)
    cleaned = _URL_HOST.sub(lambda found: found[0] if _is_public(found[0]) else "<index>", cleaned)
    cleaned = _HOST.sub(lambda found: found[0] if _is_public(found[0]) else "<host>", cleaned)
    for name, replacement in (
        (identity.host, "<host>"),
        (identity.host.partition(".")[0], "<host>"),
        (identity.user, "<user>"),
    ):
        if name and name.lower() not in _NOBODY:
            cleaned = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", replacement, cleaned, flags=re.IGNORECASE)
    return cleaned


def _is_public(host: str) -> bool:
    return host.partition(":")[0].lower() in _PUBLIC_HOSTS


def _spellings(folder: str) -> Iterator[str]:
    """A folder as paths, JSON and mixed tools write it; not the root folder, which is nobody's."""
    if len(folder) < 3:
        return
    yield from dict.fromkeys((folder.replace("\\", "\\\\"), folder, folder.replace("\\", "/")))
