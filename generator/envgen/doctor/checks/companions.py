"""Do torch's companions belong to it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.builds import Companions
from envgen.core.findings import Level
from envgen.core.releases import release_key
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding
from envgen.environments.torch_run import LiveOutcome


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
    pair = _pair_problem(case, "torchvision", version)
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


def torchaudio(case: Case) -> Iterator[Finding]:
    """torchaudio must be of torch's pair and of the same CUDA. conda builds each torchaudio for several releases."""
    target = case.target
    if target is None or target.audio is None or not case.has_torch or target.conda_record("pytorch"):
        return
    version = target.audio.version
    torch_label, audio_label = _label(case), _cuda_label(target.audio.label)
    pair = _pair_problem(case, "torchaudio", version)
    tags_differ = bool(torch_label and audio_label and torch_label != audio_label)
    is_certain = True
    if _has_stable_interface(version):
        # A build beside another CUDA only refuses, where its check was not taken out (pytorch/test-infra#8052: cu132).
        is_certain, tags_differ = False, tags_differ and not {"cpu", "cu132"} & {torch_label, audio_label}
    if not pair and not tags_differ:
        return
    evidence = [f"torch {case.torch_version}, torchaudio {version}", pair]
    if tags_differ:
        evidence.append(f"torch is built for {torch_label}, torchaudio for {audio_label}")
    yield Finding(
        code=Code.TORCHAUDIO_MISMATCH,
        # Beside another CUDA it refuses to be imported (pytorch/audio#2707); a CPU build only lacks CUDA's operators.
        level=Level.ERROR if pair or (is_certain and "cpu" not in (torch_label, audio_label)) else Level.WARNING,
        title="torchaudio does not belong to this torch",
        evidence=tuple(line for line in evidence if line),
        remedy="install both from one index, in versions that go together",
    )


def _has_stable_interface(audio: str) -> bool:
    """From 2.11 on torchaudio uses only what every torch from then on keeps (pytorch/audio#4212)."""
    base = audio.partition("+")[0]
    return bool(re.fullmatch(r"\d+(\.\d+)+", base)) and release_key(base) >= (2, 11)


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


def _pair_problem(case: Case, name: str, version: str) -> str:
    """What a companion's own metadata, or the table of pairs, says against this torch; empty when they fit."""
    release = case.torch_version.partition("+")[0]
    if not re.fullmatch(r"\d+(\.\d+)+", release):
        return ""
    if case.target:
        from packaging.requirements import InvalidRequirement, Requirement

        for line in (line for d in case.target.named(name)[:1] for line in d.requires):
            try:
                wanted = Requirement(line)
            except InvalidRequirement:
                continue
            if wanted.name.lower() == "torch" and not wanted.specifier.contains(release, prereleases=True):
                return f"{name} {version} requires torch{wanted.specifier}"
    partners = _partners(case.builds.companions.get(release), name)
    base = version.partition("+")[0]
    known = {other for pair in case.builds.companions.values() for other in _partners(pair, name)}
    if partners and base in known and base not in partners:
        return f"torch {release} goes with {name} {partners[0]}"
    return ""


def _partners(pair: Companions | None, name: str) -> tuple[str, ...]:
    """The releases of a companion that go with a release of torch, or load beside it."""
    if pair is None:
        return ()
    found = (pair.torchvision,) if name == "torchvision" else (pair.torchaudio, pair.torchaudio_loads)
    return tuple(version for version in found if version)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
