"""One line of requirements: taken, or not taken with the reason."""

from __future__ import annotations

import re

from envgen.core.requirements import normalise_project
from envgen.net.sites import show_without_login
from envgen.requirements.asked import Asked, NotTaken, RequirementsFileError
from envgen.requirements.places import is_built_by_conda, release_at
from envgen.solve.pip.query import FAMILY, PLACEHOLDERS

# What pip reads as a place and not as a name: a URL, a repository, a path, a wheel or an archive.
_PLACE = re.compile(
    r"^(?:[a-z+]+://|git\+|hg\+|svn\+|bzr\+|file:|\.{0,2}[/\\]|[a-z]:\\)|\.(?:whl|zip|tar\.gz|tgz)$", re.IGNORECASE
)
# Debian's `pip freeze` lists it (https://stackoverflow.com/q/39577984).
_NO_PACKAGE = {"pkg-resources": "there is no such package: setuptools has the module"}
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*\S")  # `name @ URL`
_PER_LINE = re.compile(r"(?<!\s)\s+--(?:hash|config-settings?|global-option|install-option)[= ].*$", re.DOTALL)


def take_line(asked: Asked, text: str, where: str, *, constraint: bool = False) -> None:
    """Add one requirement to what is asked for.

    Raises: RequirementsFileError when it is neither a requirement nor a place, or one too many.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet

    asked.count(where)
    line = _PER_LINE.sub("", text).strip()
    place, mark, marker = (part.strip() for part in line.partition(";"))
    if _PLACE.search(place.partition("[")[0]) and not _NAMED.match(place):
        if not (release := release_at(place)):
            return _pass(asked, where, line, "a lock needs a file on an index; ask for the release by name")
        line = f"{release}{mark} {marker}" if mark else release
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        message = f"{where}: {show_without_login(line)} is not a requirement"
        raise RequirementsFileError(message, fact=reason, hint='write it like "timm>=1.0"') from error
    project = normalise_project(requirement.name)
    if requirement.url:
        named = Requirement(release_at(requirement.url) or requirement.name)
        if is_built_by_conda(requirement.url) and not named.specifier:
            _pass(asked, where, project, "its URL is where conda built it, and has no version: any release is taken")
        elif normalise_project(named.name) != project or not named.specifier:
            return _pass(asked, where, requirement.name, "it is asked for by URL; a lock needs a file on an index")
        requirement.url, requirement.specifier = None, named.specifier
    if project in _NO_PACKAGE:
        return _pass(asked, where, line, _NO_PACKAGE[project])
    if (meant := PLACEHOLDERS.get(project)) is not None:
        _pass(asked, where, line, f"PyPI's {project} is a placeholder that refuses to be installed: {meant} is meant")
        requirement.name, requirement.specifier, project = meant, SpecifierSet(), meant
    if project in FAMILY:
        asked.family.append(str(requirement))
    else:
        (asked.constraints if constraint else asked.requirements).append(str(requirement))
    return None


def pass_over(asked: Asked, where: str, text: str, reason: str) -> None:
    """Note that something is not taken."""
    asked.not_taken.append(NotTaken(where=where, text=show_without_login(text), reason=reason))


_pass = pass_over
