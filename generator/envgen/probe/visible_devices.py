"""How CUDA reads CUDA_VISIBLE_DEVICES."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.probe.observation import HostGpu


def visible(value: str, driven: Sequence[HostGpu]) -> tuple[int, str]:
    """Return how many GPUs the value shows, and why no more; the reason is empty when every entry counts.

    The rules are those of torch/cuda/__init__.py, which follows CUDA: the first entry that names none ends the list,
    and where two name the same GPU none is shown.
    """
    names = [gpu.uuid for gpu in driven] + [i.uuid for gpu in driven for i in gpu.mig_instances]
    taken: list[str] = []
    for entry in value.split(","):
        text = entry.strip()
        name = _named(text, names, len(driven))
        if not name:
            return len(taken), f"entry {text or 'empty'} names no GPU of this host" if value else "it is empty"
        if name in taken:
            return 0, f"entry {text} names a GPU for the second time, and then CUDA shows none"
        taken.append(name)
    return len(taken), ""


def _named(text: str, names: Sequence[str], count: int) -> str:
    """The GPU that an entry names, as a number or by the beginning of its UUID; empty for none, or for several."""
    if text.isascii() and text.isdigit():
        return str(int(text)) if int(text) < count else ""
    if not text.startswith(("GPU-", "MIG-")) or text in ("GPU-", "MIG-"):
        return ""
    # An NVML that can't name a GPU's UUID leaves nothing to compare with: the benefit of the doubt.
    if not all(names) or text.startswith("MIG-GPU-"):
        return text
    found = [name for name in names if name.startswith(text)]
    return found[0] if len(found) == 1 else ""


def shown(value: str | None, driven: Sequence[HostGpu]) -> tuple[HostGpu, ...]:
    """Return the GPUs that a value shows where it names them by UUID; else all: CUDA's numbers are its own."""
    entries = [entry.strip() for entry in (value or "").split(",")]
    if not all(entry.startswith("GPU-") for entry in entries):
        return tuple(driven)
    return tuple(gpu for gpu in driven if any(gpu.uuid.startswith(entry) for entry in entries))
