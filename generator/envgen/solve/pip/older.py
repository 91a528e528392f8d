"""The newest release of a package whose wheel loads the CUDA of a build of torch, read from the wheels themselves."""

from __future__ import annotations

from envgen.core.errors import EnvgenError
from envgen.net.deadline import Patience
from envgen.net.pip_index import IndexFile, ProjectPage, read_project
from envgen.net.sites import Site
from envgen.net.wheel_contents import read_contents
from envgen.solve.errors import CudaClashError
from envgen.solve.pip.together import Together

_LOOKED_AT = 24  # releases, newest first


def newest_for_cuda(clash: CudaClashError, asked: Together) -> str:
    """The release, older than the one that clashed, or empty when none of those that were looked at will do."""
    patience = Patience(deadline=asked.deadline)
    try:
        page = read_project(Site.parse(asked.pypi), clash.package, patience=patience)
        for file in _older(page, clash, asked)[:_LOOKED_AT] if page is not None else ():
            majors = read_contents(file.url, file.sha256, file.size, patience=patience).cuda_majors
            if clash.has in majors or not majors:
                return file.name.release
    except EnvgenError:
        return ""
    return ""


def _older(page: ProjectPage, clash: CudaClashError, asked: Together) -> list[IndexFile]:
    """One wheel for the target of each older release, newest first."""
    from packaging.version import Version

    request = asked.request
    bounds = asked.bounds_on(clash.package)
    found: dict[Version, IndexFile] = {}
    for file in page.files:
        version = Version(file.name.release)
        is_older = version < Version(clash.version) and not version.is_prerelease and not file.is_yanked
        is_older &= all(bound.contains(version) for bound in bounds)
        if is_older and file.name.fits(python=request.python, subdir=request.subdir, glibc=request.glibc):
            found.setdefault(version, file)
    return [found[version] for version in sorted(found, reverse=True)]
