"""Requirements by a place: of some, the name of the file says which release of an index it is."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from envgen.core.wheel_names import project_and_version

# PyPI's and PyTorch's own hosts; who has a file of theirs asks for it by its release.
_INDEXES = frozenset({"files.pythonhosted.org", "download.pytorch.org", "download-r2.pytorch.org"})
# conda-build and rattler-build work in NAME_<milliseconds>/work, and `pip freeze` prints where a package was built:
# numpy @ file:///croot/numpy_1708638617955/work/dist/numpy-1.26.4-cp311-cp311-linux_x86_64.whl (conda/conda#11580).
_BUILT_BY_CONDA = re.compile(r"^file:///.*_\d{13}[/\\]work(?:[/\\]|$)")


def is_built_by_conda(url: str) -> bool:
    """True for a folder or a file in which conda built a package, somewhere else."""
    return _BUILT_BY_CONDA.match(unquote(url)) is not None


def release_at(url: str) -> str:
    """The release that a URL is a file of, as a requirement (`torch==2.1.0+cu121`); empty for any other place."""
    with suppress(ValueError):
        parts = urlsplit(url)
        name = unquote(parts.path).rpartition("/")[2]
        if (parts.hostname in _INDEXES and not (parts.username or parts.query)) or is_built_by_conda(url):
            found = project_and_version(name)
            return f"{found[0]}=={found[1]}" if found else ""
    return ""
