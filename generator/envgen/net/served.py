"""What an index or mirror says of a file, judged before it is written into a lock."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from envgen.core.errors import quoted
from envgen.core.requirements import read_version
from envgen.core.wheel_names import WheelName, file_name, project_and_version
from envgen.net.errors import SourceDataError
from envgen.net.sites import Site

_FILE = re.compile(r"[A-Za-z0-9._+!-]+")
_WAREHOUSE_PATH = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+")
_PATH = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%/-]*")


def check_served(url: str, *, project: str, version: str, mirror: Site | None) -> None:
    """See that a URL is a plain one of a wheel of that project and release; with `mirror` it is one of that host.

    Raises: SourceDataError.
    """
    reason = _fault(url, project, version)
    host = urlsplit(mirror.url).netloc if mirror is not None else ""
    if not reason and host and urlsplit(url).netloc != host:
        reason = f"{quoted(url)} is of another host than {host}, and would be written as the mirror's"
    if reason:
        raise SourceDataError(url=mirror.url if mirror is not None else url, reason=reason)


def canonical_pypi_url(url: str, project: str) -> str:
    """Return PyPI's own URL of a file that an index or mirror serves at `url`.

    Most mirrors keep PyPI's path; for others there is the address by file name that PyPI redirects from
    (https://docs.pypi.org/api/, "Predictable URLs").
    """
    kept = _WAREHOUSE_PATH.search(urlsplit(url).path)
    if kept:
        return f"https://files.pythonhosted.org{kept[0]}"
    filename = file_name(url)
    tag = ".".join(WheelName.parse(filename).interpreters) if filename.endswith(".whl") else "source"
    return f"https://files.pythonhosted.org/packages/{tag}/{project[0]}/{project}/{quote(filename)}"


def _fault(url: str, project: str, version: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"{quoted(url)} is no URL"
    path, raw = unquote(parts.path), parts.path.rpartition("/")[2]
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return f"{quoted(url)} is no http or https URL"
    steps = path.split("/")
    if parts.query or parts.fragment or not _PATH.fullmatch(path) or "%" in path or {".", ".."} & {*steps}:
        return f"{quoted(url)} leads through a path that is not plain"
    return _name_fault(url, raw, project, version)


def _name_fault(url: str, raw: str, project: str, version: str) -> str:
    name = unquote(raw)
    if not _FILE.fullmatch(name) or (raw != name and raw not in (quote(name), quote(name, safe="+!"))):
        return f"{quoted(url)} names no plain file"
    found = project_and_version(name)
    if found is None:
        return f"{quoted(name)} is no wheel's name"
    if found != (project, str(read_version(version))):
        return f"{quoted(name)} is not of {project} {version}"
    return ""
