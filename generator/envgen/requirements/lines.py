"""One line of requirements: taken, or not taken with the reason."""

from __future__ import annotations

import re

from envgen.core.requirements import normalise_project
from envgen.net.sites import show_without_login
from envgen.requirements.asked import Asked, NotTaken, RequirementsFileError
from envgen.solve.pip.query import FAMILY

# What pip reads as a place and not as a name: a URL, a repository, a path, a wheel or an archive.
_PLACE = re.compile(
    r"^(?:[a-z+]+://|git\+|hg\+|svn\+|bzr\+|file:|\.{0,2}[/\\]|[a-z]:\\)|\.(?:whl|zip|tar\.gz|tgz)$", re.IGNORECASE
)
_PER_LINE = re.compile(r"(?<!\s)\s+--(?:hash|config-settings?|global-option|install-option)[= ].*$", re.DOTALL)


def take_line(asked: Asked, text: str, where: str, *, constraint: bool = False) -> None:
    """Add one requirement to what is asked for.

    Raises: RequirementsFileError when it is neither a requirement nor a place, or one too many.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    asked.count(where)
    line = _PER_LINE.sub("", text).strip()
    if _PLACE.search(line.partition(";")[0].partition("[")[0].strip()):
        return _pass(asked, where, line, "a lock needs a file on an index; ask for the release by name")
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        message = f"{where}: {show_without_login(line)} is not a requirement"
        raise RequirementsFileError(message, fact=reason, hint='write it like "timm>=1.0"') from error
    if requirement.url:
        return _pass(asked, where, requirement.name, "it is asked for by URL; a lock needs a file on an index")
    if normalise_project(requirement.name) in FAMILY:
        asked.family.append(str(requirement))
    else:
        (asked.constraints if constraint else asked.requirements).append(str(requirement))
    return None


def pass_over(asked: Asked, where: str, text: str, reason: str) -> None:
    """Note that something is not taken."""
    asked.not_taken.append(NotTaken(where=where, text=show_without_login(text), reason=reason))


_pass = pass_over
