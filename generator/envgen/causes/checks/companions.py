"""Do torch's companions belong to it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.causes.context import Context
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import PAIR_AGAIN
from envgen.core.findings import Level
from envgen.core.releases import release_key, tag_of_cuda
from envgen.core.requirements import normalise_project, parsed
from envgen.environments.inspected import base_version, local
from envgen.environments.torch_run import RunOutcome
from envgen.solve.pip.built_for import built_for, releases_for


def torchvision_cpu(context: Context) -> Iterator[Finding]:
    """A torchvision without CUDA beside a torch with it."""
    error = (context.run.vision_error if context.run else None) or ""
    version = _vision_version(context)
    cpu_op = "Could not run 'torchvision::nms'" in error
    if version and ("cpu" in (_cuda_label(local(version)), _vision_label(context)) or cpu_op):
        words = (_first_line(error),) if error else ()
        yield Finding(
            title="torchvision is a CPU build beside a CUDA build of torch",
            evidence=(f"torch {context.torch_version}, torchvision {version}", *words),
            remedy=PAIR_AGAIN,
        )


def torchvision_mismatch(context: Context) -> Iterator[Finding]:
    """torchvision must be of torch's pair and of the same CUDA."""
    error, failed = _vision_errors(context)
    version = _vision_version(context) or ("of unknown version" if context.run_failure and failed else "")
    if not version:
        return
    missing_op = "torchvision::nms does not exist" in f"{error}\n{context.start_errors}"
    pair, tags = _pair_problem(context, "torchvision", version), _other_tags(context, version)
    foreign = bool(missing_op or pair or tags or "undefined symbol" in failed)
    if foreign or failed:
        serious = missing_op or pair or context.torch_cuda or failed
        evidence = (f"torch {context.torch_version}, torchvision {version}", pair, _first_line(error or failed), tags)
        yield Finding(
            level=Level.ERROR if serious else Level.WARNING,
            title="torchvision does not " + ("belong to this torch" if foreign else "work with this torch"),
            evidence=tuple(line for line in evidence if line),
            remedy=PAIR_AGAIN,
        )


def _vision_errors(context: Context) -> tuple[str, str]:
    """What torchvision message, and what it failed with: one that only takes longer than the time limit is slow."""
    run = context.run
    if run is None:
        return "", ""
    return run.vision_error or "", run.vision_failure if run.outcome is not RunOutcome.TIMED_OUT else ""


def _other_tags(context: Context, version: str) -> str:
    """What says that torch and torchvision are built for two CUDAs; empty when they are not, or nobody can tell."""
    torch, vision = _label(context), _cuda_label(local(version)) or _vision_label(context)
    differ = bool(torch and vision and vision not in (torch, "cpu") and context.environment)
    return f"torch is built for {torch}, torchvision for {vision}" if differ else ""


def torchaudio_mismatch(context: Context) -> Iterator[Finding]:
    """torchaudio must be of torch's pair and of the same CUDA. conda builds each torchaudio for several releases."""
    environment = context.environment
    if environment is None or environment.audio is None or environment.conda_record("pytorch"):
        return
    version = environment.audio.version
    torch_label, audio_label = _label(context), _cuda_label(environment.audio.label)
    pair = _pair_problem(context, "torchaudio", version)
    tags_differ = bool(torch_label and audio_label and torch_label != audio_label)
    is_certain = True
    if _has_stable_interface(version):
        # A build beside another CUDA only refuses, where its check was not taken out (pytorch/test-infra#8052: cu132).
        is_certain, tags_differ = False, tags_differ and not {"cpu", "cu132"} & {torch_label, audio_label}
    if not pair and not tags_differ:
        return
    evidence = [f"torch {context.torch_version}, torchaudio {version}", pair]
    if tags_differ:
        evidence.append(f"torch is built for {torch_label}, torchaudio for {audio_label}")
    yield Finding(
        # Beside another CUDA it refuses to be imported (pytorch/audio#2707); a CPU build only lacks CUDA's operators.
        level=Level.ERROR if pair or (is_certain and "cpu" not in (torch_label, audio_label)) else Level.WARNING,
        title="torchaudio does not belong to this torch",
        evidence=tuple(line for line in evidence if line),
        remedy=Remedy(text="install both from one index, in versions that go together"),
    )


def companion_mismatch(context: Context) -> Iterator[Finding]:
    """A package whose binaries are built for another torch, which its metadata lets in: importing it fails."""
    environment, torch = context.environment, base_version(context.torch_version)
    if environment is None or environment.conda_record("pytorch"):
        return  # conda's builds of these packages say which torch they need
    names = {row["package"] for row in context.builds.rows("companion_torch")}
    installed = {name: found[0].version for name in sorted(names) if (found := environment.named(name))}
    for one in built_for(installed, context.builds):
        if one.fits(torch):
            continue
        releases = releases_for(one.name, torch, context.builds)
        advice = f"take a torch that it is built for (torch{one.torch}), or do without"
        if releases:
            advice = f"install {one.name}{releases}, which is built for torch {torch}"
        yield Finding(
            title=f"{one.name} does not belong to this torch",
            evidence=(f"torch {context.torch_version}, {one.label}", f"built for torch {one.torch}: {one.source}"),
            remedy=Remedy(text=advice),
        )


def _has_stable_interface(audio: str) -> bool:
    """From 2.11 on torchaudio uses only what every torch from then on keeps (pytorch/audio#4212)."""
    base = base_version(audio)
    return bool(re.fullmatch(r"\d+(\.\d+)+", base)) and release_key(base) >= (2, 11)


def _vision_version(context: Context) -> str:
    if context.run and context.run.vision_version:
        return context.run.vision_version
    return context.environment.vision.version if context.environment and context.environment.vision else ""


def _label(context: Context) -> str:
    """The CUDA tag that torch is built for, from its version or its CUDA version."""
    by_cuda = tag_of_cuda(context.torch_cuda) if context.torch_cuda else ""
    return _cuda_label(local(context.torch_version)) or by_cuda


def _vision_label(context: Context) -> str:
    """PyPI's metadata carries no local version, and neither do conda's: version.py may."""
    return _cuda_label(context.environment.vision.label) if context.environment and context.environment.vision else ""


def _cuda_label(label: str) -> str:
    """The label when it names a CUDA or the lack of it; NVIDIA's own builds carry a commit there."""
    return label if re.fullmatch(r"cu\d+|cpu", label) else ""


def _pair_problem(context: Context, name: str, version: str) -> str:
    """What a companion's own metadata, or the table of pairs, says against this torch; empty when they fit."""
    release = base_version(context.torch_version)
    if not re.fullmatch(r"\d+(\.\d+)+", release):
        return ""
    if context.environment:
        for wanted in parsed(line for d in context.environment.named(name)[:1] for line in d.requires):
            if normalise_project(wanted.name) == "torch" and not wanted.specifier.contains(release, prereleases=True):
                return f"{name} {version} requires torch{wanted.specifier}"
    pair, base = context.builds.companions.get(release), base_version(version)
    partners = pair.releases_of(name) if pair else ()
    known = {other for pair in context.builds.companions.values() for other in pair.releases_of(name)}
    if partners and base in known and base not in partners:
        return f"torch {release} goes with {name} {partners[0]}"
    return ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
