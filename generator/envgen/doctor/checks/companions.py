"""Do torch's companions belong to it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.findings import Level
from envgen.doctor.case import Case
from envgen.doctor.findings import Code, Finding
from envgen.doctor.live import LiveOutcome


def torchvision(case: Case) -> Iterator[Finding]:
    """torchvision must be of torch's pair and of the same CUDA."""
    target = case.target
    error = (case.live.vision_error if case.live else None) or ""
    failed = case.live.vision_failure if case.live else ""
    version = _vision_version(case) or ("of unknown version" if case.live_failure and failed else "")
    if not version or not case.has_torch:
        return
    torch_label, vision_label = _label(case), _cuda_label(version.partition("+")[2]) or _vision_label(case)
    evidence = [f"torch {case.torch_version}, torchvision {version}"]
    missing_op = "torchvision::nms does not exist" in error
    cpu_op = "Could not run 'torchvision::nms'" in error
    if case.torch_cuda and (vision_label == "cpu" or cpu_op):
        yield Finding(
            code=Code.TORCHVISION_CPU,
            level=Level.ERROR,
            title="torchvision is a CPU build beside a CUDA build of torch",
            evidence=(*evidence, *([_first_line(error)] if error else [])),
            remedy="install both again from one index, in one command",
        )
        return
    pair = _pair_problem(case, version)
    tags_differ = bool(torch_label and vision_label and torch_label != vision_label and target)
    foreign = bool(missing_op or pair or (tags_differ and vision_label != "cpu") or "undefined symbol" in failed)
    if not foreign and not failed:
        return
    evidence += [line for line in (pair, _first_line(error or failed)) if line]
    if tags_differ:
        evidence.append(f"torch is built for {torch_label}, torchvision for {vision_label}")
    # On a slow disk the time limit ends the import of a good one.
    slow = case.computes and not foreign and case.live is not None and case.live.outcome is LiveOutcome.TIMED_OUT
    serious = missing_op or pair or case.torch_cuda or failed
    yield Finding(
        code=Code.TORCHVISION_MISMATCH,
        level=Level.ERROR if serious and not slow else Level.WARNING,
        title="torchvision does not " + ("belong to this torch" if foreign else "work with this torch"),
        evidence=tuple(evidence),
        remedy="install both again from one index, in one command",
    )


def _vision_version(case: Case) -> str:
    if case.live and case.live.vision_version:
        return case.live.vision_version
    return case.target.vision.version if case.target and case.target.vision else ""


def _label(case: Case) -> str:
    """The CUDA tag that torch is built for, from its version or its CUDA version."""
    label = _cuda_label(case.torch_version.partition("+")[2])
    if label:
        return label
    return "cu" + "".join(case.torch_cuda.split(".")[:2]) if case.torch_cuda else ""


def _vision_label(case: Case) -> str:
    """PyPI's metadata carries no local version, and neither do conda's: version.py may."""
    return _cuda_label(case.target.vision.label) if case.target and case.target.vision else ""


def _cuda_label(label: str) -> str:
    """The label when it names a CUDA or the lack of it; NVIDIA's own builds carry a commit there."""
    return label if re.fullmatch(r"cu\d+|cpu", label) else ""


def _pair_problem(case: Case, vision: str) -> str:
    """What torchvision's own metadata, or the table of pairs, says against this torch; empty when they fit."""
    release = case.torch_version.partition("+")[0]
    if not re.fullmatch(r"\d+(\.\d+)+", release):
        return ""
    if case.target:
        from packaging.requirements import InvalidRequirement, Requirement

        for line in (line for d in case.target.named("torchvision")[:1] for line in d.requires):
            try:
                wanted = Requirement(line)
            except InvalidRequirement:
                continue
            if wanted.name.lower() == "torch" and not wanted.specifier.contains(release, prereleases=True):
                return f"torchvision {vision} requires torch{wanted.specifier}"
    pair = case.builds.companions.get(release)
    base = vision.partition("+")[0]
    others = {companions.torchvision for companions in case.builds.companions.values()}
    if pair and pair.torchvision and base in others and base != pair.torchvision:
        return f"torch {release} goes with torchvision {pair.torchvision}"
    return ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
