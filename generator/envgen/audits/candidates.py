"""Which builds of the catalog a mention means: the exact one, or those that a resolver may take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from packaging.version import Version

from envgen.audits.verdict import CPU_BUILD, Judgement, Outcome
from envgen.core.builds import Build, Existence
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.core.releases import tag_of_cuda
from envgen.core.requirements import read_specifiers, read_version
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.facts.tables import read_table
from envgen.readers.mention import Mention
from envgen.readers.requirement import is_pypi, tag_of_url

# From here on PyPI's Linux wheels for Arm are CUDA builds; before, they are the CPU's (read from PyPI's wheels 1.13.1
# to 2.11.0).
_FIRST_CUDA_ON_ARM = Version("2.11")
_LEGACY = "pytorch"
# Anaconda's own channels have builds of pytorch that no table knows.
_ANACONDA = frozenset({"defaults", "anaconda", "main"})
_IMAGE = "pytorch/pytorch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The builds that a mention may be. `taken` of a range is the one that a resolver takes today, first of `builds`.

    `settled` is a judgement that needs no build: a CPU build, or what can't be told.
    """

    builds: tuple[Build, ...] = ()
    is_range: bool = False
    settled: Judgement | None = None
    notes: tuple[str, ...] = ()


def candidates(mention: Mention, subdir: Subdir, catalog: Catalog) -> Candidates:
    """Return the builds that a mention means on a platform."""
    if mention.unclear:
        return _unknown(mention.unclear)
    if mention.cuda == "cpu":
        return _cpu(f"{mention.version or 'torch'} is a CPU build: the file asks for it")
    if mention.image:
        return _image(mention, subdir, catalog)
    return (_pip if mention.package_set is PackageSet.PIP else _conda)(mention, subdir, catalog)


def _unknown(reason: str) -> Candidates:
    return Candidates(settled=Judgement(outcome=Outcome.UNKNOWN, reason=reason, code="unclear"))


def _cpu(reason: str) -> Candidates:
    return Candidates(settled=Judgement(outcome=Outcome.FAILS, reason=reason, code=CPU_BUILD))


def _pip(mention: Mention, subdir: Subdir, catalog: Catalog) -> Candidates:
    rows = catalog.builds(PackageSet.PIP, subdir)
    foreign = [url for url in mention.sources if not is_pypi(url) and not tag_of_url(url)]
    if not mention.cuda and foreign and foreign[0] == mention.sources[0]:
        return _unknown(f"torch comes from {foreign[0]}, whose builds no table knows")
    if mention.beside_pypi:
        return _highest(mention, subdir, catalog)
    if mention.cuda:
        rows = tuple(build for build in rows if build.cuda_tag == mention.cuda)
    elif (cpu := _cpu_on_pypi(mention, subdir)) is not None:
        return cpu
    else:
        rows = tuple(build for build in rows if build.on_pypi)
    return _fitting(rows, mention, f"{mention.cuda or 'PyPI'}", catalog, subdir)


def _highest(mention: Mention, subdir: Subdir, catalog: Catalog) -> Candidates:
    """The builds of an index beside PyPI: of one release the index's (`+cu118` is higher), else the newest of both."""
    known = catalog.builds(PackageSet.PIP, subdir)
    of_index = [build for build in known if build.cuda_tag == mention.cuda]
    has = {build.torch for build in of_index}
    on_pypi = [build for build in (*known, *catalog.builds(PackageSet.PIP, subdir, cpu=True)) if build.on_pypi]
    rows = [*of_index, *(build for build in on_pypi if build.torch not in has)]
    found = _fitting(sorted(rows, key=lambda build: Version(build.torch)), mention, mention.cuda, catalog, subdir)
    taken = next(iter(found.builds), None)
    if taken is None or taken.torch in has:
        return replace(found, builds=tuple(build for build in found.builds if not build.is_cpu))
    newest = f"pip takes the highest of all indexes, and that of {mention.cuda} has no torch {taken.torch}"
    if taken.is_cpu:
        return _cpu(f"{newest}: PyPI's is a CPU build for {subdir.value}")
    builds = tuple(build for build in found.builds if not build.is_cpu)
    return replace(
        found, builds=builds, notes=(*found.notes, f"{newest}: it installs PyPI's (uv stays with the first index)")
    )


def _cpu_on_pypi(mention: Mention, subdir: Subdir) -> Candidates | None:
    if subdir is Subdir.WIN_64:
        return _cpu("PyPI's Windows wheels of torch are CPU builds; CUDA builds come from PyTorch's own index")
    if subdir is not Subdir.LINUX_AARCH64 or not mention.version:
        return None
    version = read_version(mention.version)
    if version is None or version >= _FIRST_CUDA_ON_ARM:
        return None
    return _cpu(f"PyPI's torch {mention.version} for Linux on Arm is a CPU build; CUDA is there from 2.11.0 on")


def _conda(mention: Mention, subdir: Subdir, catalog: Catalog) -> Candidates:
    channels = [channel.rpartition("/")[2] or channel for channel in mention.sources]
    rows = list(catalog.builds(PackageSet.CONDA, subdir))
    if mention.cuda:
        rows = [build for build in rows if build.cuda_tag == mention.cuda]
    elif mention.build and not mention.build.startswith("cuda"):
        return _unknown(f"the build string {mention.build} names no CUDA that a table knows")
    known = {_LEGACY, "conda-forge"}
    if channels and not known & set(channels):
        return _unknown(f"builds of the channel {channels[0]} are in no table")
    if channels and channels[0] in _ANACONDA:
        return _unknown(f"builds of Anaconda's channel {channels[0]}, which is asked first, are in no table")
    found = _of_first_channel(rows, channels or ["conda-forge"], mention, catalog, subdir)
    if found.builds or _LEGACY not in channels or not (mention.version and mention.cuda):
        if found.builds and not mention.cuda and found.builds[0].conda.channels[0] != _LEGACY:
            note = "a solve without a driver in sight takes the CPU build: ask for a build string of cuda*"
            return Candidates(builds=found.builds, is_range=True, notes=(note,))
        return found
    # The channel's builds came from the same scripts as the wheels; of some releases only the wheels are in a table.
    wheels = [b for b in catalog.builds(PackageSet.PIP, subdir) if b.cuda_tag == mention.cuda]
    close = _fitting(wheels, mention, "the wheels", catalog, subdir)
    note = f"judged by the wheel of the same release and CUDA: no table has the channel's build {mention.build}".strip()
    return Candidates(builds=close.builds, settled=close.settled, notes=(note,))


def _of_first_channel(
    rows: Sequence[Build], channels: Sequence[str], mention: Mention, catalog: Catalog, subdir: Subdir
) -> Candidates:
    """The builds of the first channel that has one: it comes before another's newer release, strict or flexible."""
    found = []
    for channel in channels:
        own = [build for build in rows if build.conda.channels[0] == channel]
        if own or channel == channels[0]:
            found.append(_fitting(own, mention, f"the channel {channel}", catalog, subdir))
    return next((one for one in found if one.builds), found[0])


def _fitting(rows: Iterable[Build], mention: Mention, where: str, catalog: Catalog, subdir: Subdir) -> Candidates:
    """The rows of an exact release; for a range those that it lets through, the newest first."""
    published = [build for build in rows if build.existence is not Existence.UNCERTAIN]
    if mention.version:
        exact = tuple(build for build in published if build.torch == mention.version)
        if exact:
            return Candidates(builds=exact)
        known = sorted({b.cuda_tag for b in catalog.builds(PackageSet.PIP, subdir) if b.torch == mention.version})
        has = f"; for {subdir.value} it knows {', '.join(known)}" if known else ""
        return _unknown(f"the catalog has no torch {mention.version} from {where} for {subdir.value}{has}")
    inside = _inside(mention)
    if inside is None:
        return _unknown(f"the version {mention.specifier} can't be read")
    fitting = [build for build in reversed(published) if inside(build.torch)]
    pythons = mention.pythons
    if pythons:
        fitting = [build for build in fitting if set(pythons) & set(build.pythons)]
    if not fitting:
        return _unknown(f"the catalog has no torch {mention.specifier} from {where} for {subdir.value}")
    return Candidates(builds=tuple(fitting), is_range=True)


def _inside(mention: Mention) -> Callable[[str], bool] | None:
    """A function that says whether a release is inside the mention's range; None when the range can't be read."""
    text = mention.specifier.strip()
    if mention.package_set is PackageSet.CONDA:
        text = pep440_of_conda(text)
    specifiers = read_specifiers(text)
    return specifiers.contains if specifiers is not None else None


def pep440_of_conda(text: str) -> str:
    """conda's version spec as PEP 440: `2.1`, `=2.1` and `2.1.*` are 2.1.*; `>=2,<3` stays. `|` is not expressible."""
    parts = []
    for part in (piece.strip() for piece in text.split(",")):
        bare = part.lstrip("=").strip()
        if not part or part == "*":
            continue
        if re.fullmatch(r"[\d.]+(\.\*|\*)?", bare) and not part.startswith("=="):
            parts.append(f"=={bare.rstrip('*').rstrip('.')}.*")
        elif re.fullmatch(r"[\d.]+", bare):
            parts.append(f"=={bare}")
        else:
            parts.append(part)
    return ",".join(parts)


def _image(mention: Mention, subdir: Subdir, catalog: Catalog) -> Candidates:
    """The builds of an official image, wheels and the channel's packages: no tag says which of them it was made of."""
    name, _, tag = mention.image.partition("@")[0].partition(":")
    program = "import torch; print(torch.__version__, torch.cuda.get_arch_list())"
    ask = f"ask it: docker run --rm {mention.image} python -c '{program}'"
    stated = next((row for row in read_table("container_images") if row["tag"] == tag), None)
    if name != _IMAGE or stated is None:
        return _unknown(f"what torch is in {mention.image} is in no table; {ask}")
    release, cuda_tag = stated["torch"], tag_of_cuda(stated["cuda"])
    builds = [
        build
        for package_set in PackageSet
        for build in catalog.builds(package_set, subdir)
        if build.torch == release
        and build.cuda_tag == cuda_tag
        and (package_set is PackageSet.PIP or build.conda.channels[0] == _LEGACY)
    ]
    if not builds:
        return _unknown(f"no table has torch {release}+{cuda_tag} of {mention.image}; {ask}")
    return Candidates(builds=tuple(builds))
