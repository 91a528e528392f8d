"""The smallest change that makes the torch of a file run, as a person does it in that file."""

from __future__ import annotations

from dataclasses import replace

from envgen.audits.judge import reasons_against
from envgen.audits.verdict import Outcome, Verdict
from envgen.core.builds import Build
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve

_NOTHING = "no build of the catalog runs on this GPU with this driver"


def with_change(verdict: Verdict, request: Request, catalog: Catalog) -> Verdict:
    """The verdict with the change that makes it run, when it doesn't run and there is one."""
    if verdict.judgement.outcome is not Outcome.FAILS:
        return verdict
    change, driver = _change(verdict, request, catalog), verdict.judgement.driver
    return replace(verdict, change=" or ".join(filter(None, (change, driver))) or _NOTHING)


def _change(verdict: Verdict, request: Request, catalog: Catalog) -> str:
    mention = verdict.mention
    same = [
        build
        for build in catalog.builds(mention.package_set, request.subdir)
        if build.torch == mention.version and not reasons_against(build, request, catalog)
    ]
    if same:
        return _take(max(same, key=_preference), catalog)
    python = mention.pythons[-1] if mention.pythons and request.python not in mention.pythons else request.python
    asked = replace(request, python=python, torch="", cuda="")
    for candidate in (asked, request):
        pairing = resolve(catalog, candidate).pairing(mention.package_set)
        if pairing is not None:
            return _take(pairing.build, catalog)
    return ""


def _preference(build: Build) -> tuple[bool, str]:
    """PyPI's own build needs no index; then the higher CUDA tag."""
    return build.on_pypi, build.cuda


def _take(build: Build, catalog: Catalog) -> str:
    if build.package_set is PackageSet.PIP:
        if build.on_pypi:
            return f"take torch=={build.torch} from PyPI"
        return f"take torch=={build.short_label} from {catalog.index_urls.get(build.cuda_tag, '')}"
    glob = build.conda.glob_for("*")  # whatever Python the file has; the CUDA behind it stays
    return f"take pytorch={build.torch}={glob} from {build.conda.channels[0]}"
