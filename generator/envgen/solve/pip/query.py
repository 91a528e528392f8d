"""What is asked of the pip solver, and which packages belong to PyTorch's own index."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.core.platforms import Subdir
from envgen.core.releases import major_of_tag, release_key
from envgen.core.request import Request
from envgen.core.requirements import normalise_project, project_of
from envgen.core.resolution import Pairing
from envgen.core.sites import PYPI, TORCH
from envgen.core.wheel_names import glibc_key
from envgen.net.sites import show_without_login

# Built for one CUDA each and published on PyTorch's indexes; PyPI's files of the same release are other builds.
FAMILY = frozenset({"torch", "torchvision", "torchaudio"})
# Projects of PyPI that refuse to be installed, so that nobody takes them for what they are named after.
PLACEHOLDERS = {"pytorch": "torch", "sklearn": "scikit-learn"}
_NO_EXTRA = {
    **{
        name: f"it is a placeholder that refuses to be installed: {PLACEHOLDERS[name]} is meant"
        for name in PLACEHOLDERS
    },
    "torch": "choose its version with --torch and its CUDA with --cuda",
    "torchvision": "it comes along, in the release that goes with torch, unless --no-vision is given",
    "torchaudio": "--audio adds it, in the release that goes with torch",
}
# On some of those indexes only, and only for some releases; taken from there when they are there.
FAMILY_IF_THERE = frozenset({"torchao", "torchcodec", "xformers"})

# Nothing else: most packages are asked for by name alone, and packaging takes a while to load.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

# Built for NumPy 1: 2.3.0 is the first release that was validated with NumPy 2 (pytorch/pytorch#107302), on Windows
# only 2.4 works with it (pytorch/pytorch#128860). Their metadata doesn't say so.
_FIRST_WITH_NUMPY_2 = ((2, 3), (2, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class PipQuery:
    """One pip solve: a torch build for one subdir and one Python, its companions and further requirements.

    `cuda_tag` is `cpu` for a CPU build. `torch`, `torchvision` and `torchaudio` are public versions, the last two empty
    when not wanted. `extras` are
    PEP 508 requirements, `constraints` bind versions without asking for the package, `sources` are names that
    may be locked as a source distribution. `glibc` (X.Y) is read on Linux.
    """

    subdir: Subdir
    python: str
    glibc: str
    torch: str
    cuda_tag: str
    on_pypi: bool = False
    torchvision: str = ""
    torchaudio: str = ""
    extras: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def torch_index(self) -> str:
        """The canonical URL of the index that torch comes from."""
        return PYPI if self.on_pypi else f"{TORCH}/{self.cuda_tag}"

    @property
    def torch_version(self) -> str:
        """The version that the lock must hold: 2.14.1+cu126, or 2.15.0 when it is PyPI's own build."""
        return self.torch if self.on_pypi else f"{self.torch}+{self.cuda_tag}"

    @property
    def pinned_family(self) -> dict[str, str]:
        """Project -> public version of torch and the companions that are wanted."""
        named = {"torch": self.torch, "torchvision": self.torchvision, "torchaudio": self.torchaudio}
        return {project: version for project, version in named.items() if version}

    @property
    def bindings_bound(self) -> str:
        """The bound that torch's metadata sets on cuda-bindings, whose major is CUDA's (2.14.1: `<14,>=13.0.3`)."""
        return f"cuda-bindings=={self.cuda_major}.*"

    @property
    def cuda_major(self) -> int:
        """The CUDA major of the build, 0 of a CPU build."""
        return major_of_tag(self.cuda_tag)

    @property
    def uv_platform(self) -> str:
        """uv's `--python-platform`."""
        return platform_for_uv(self.subdir, self.glibc)

    @property
    def subject(self) -> str:
        """The query in a few words, for messages."""
        return f"torch {self.torch_version}, {self.subdir.value}, Python {self.python}"


# uv 0.13: `uv pip compile --help`, the values of --python-platform.
_UV_MANYLINUX = ((2, 17), (2, 28), *((2, minor) for minor in range(31, 41)))


def platform_for_uv(subdir: Subdir, glibc: str) -> str:
    """uv's `--python-platform` of a host: the newest manylinux policy that it knows and that the glibc (X.Y) meets."""
    if not subdir.is_linux:
        return subdir.uv_platform
    policies = [policy for policy in _UV_MANYLINUX if policy <= glibc_key(glibc)]
    if not policies:
        raise UsageError(
            f"glibc {glibc} is older than any manylinux policy that the solver knows (2.17)",
            hint="pass --glibc 2.17 or newer",
        )
    return f"{subdir.uv_platform}-manylinux_{policies[-1][0]}_{policies[-1][1]}"


def newer_glibcs(glibc: str) -> tuple[str, ...]:
    """The glibcs of manylinux policies that are newer than one, oldest first."""
    return tuple(f"{major}.{minor}" for major, minor in _UV_MANYLINUX if (major, minor) > glibc_key(glibc))


def pip_query(pairing: Pairing, request: Request, *, extras: tuple[str, ...] = ()) -> PipQuery:
    """Return the query for a pairing; it holds cuDNN below a release that dropped a GPU of the request.

    Raises: UsageError when an extra is not a plain PEP 508 requirement.
    """
    build = pairing.build
    major, below = major_of_tag(build.cuda_tag), pairing.cudnn_below
    return PipQuery(
        subdir=request.subdir,
        python=request.python,
        glibc=request.glibc if request.subdir.is_linux else "",
        torch=build.torch,
        cuda_tag=build.cuda_tag,
        on_pypi=build.on_pypi,
        torchvision=pairing.torchvision,
        torchaudio=pairing.torchaudio,
        extras=tuple(plain_requirement(extra) for extra in extras),
        constraints=(*((f"nvidia-cudnn-cu{major}<{below}",) if below else ()), *_numpy_bound(build)),
    )


def _numpy_bound(build: Build) -> tuple[str, ...]:
    first = _FIRST_WITH_NUMPY_2[build.subdir.is_windows]
    return ("numpy<2",) if release_key(build.torch) < first else ()


def plain_requirement(text: str) -> str:
    """Return a PEP 508 requirement as packaging writes it.

    Raises: UsageError when it is not one, names a URL or path, or names torch or a companion (the pairing decides).
    """
    if _NAME.fullmatch(text) and normalise_project(text) not in _NO_EXTRA:
        return text
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        shown = show_without_login(text)
        raise UsageError(f"{shown} is not a requirement", fact=reason, hint='write it like "timm>=1.0"') from error
    if requirement.url:
        hint = "name a release; a lock needs a file on an index with a sha256"
        raise UsageError(f"{quoted(requirement.name)} is asked for by URL", hint=hint)
    project = normalise_project(requirement.name)
    if project in _NO_EXTRA:
        raise UsageError(f"{project} is not an extra", hint=_NO_EXTRA[project])
    return str(requirement)


def asked_sometimes(extras: Iterable[str]) -> tuple[str, ...]:
    """The projects among some requirements that PyTorch's indexes have, for some of their releases."""
    return tuple(sorted(FAMILY_IF_THERE.intersection(map(project_of, extras))))
