"""The values that Python callers get, which are also what `--format json` prints, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envgen.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGpu:
    """A GPU of the catalog.

    `name` is the driver's name without "NVIDIA"; `notes` say what the look-up took for granted.
    """

    name: str
    compute_capability: str
    architecture: str
    chip: str
    pci_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedGpu:
    """A GPU that a decision is for: `input` is the text that named it."""

    input: str
    name: str
    compute_capability: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """What a decision was made for.

    `driver_origin` is `given`, `probed` (this computer's) or `assumed` (the newest that serves the GPUs); `driver` is
    None for the CPU, `glibc` on Windows and macOS. `torch` and `cuda` are what was asked for, or None.
    """

    platform: str
    python: str
    driver: str | None
    driver_origin: str
    glibc: str | None
    torch: str | None
    cuda: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code of a build that runs on one GPU: `kind` is `sass` or `ptx`, `arch` is such as `sm_75`."""

    gpu: str
    kind: str
    arch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipChoice:
    """The torch wheel that was decided on.

    A CPU build has the tag `cpu`. `driver_floor` is the oldest driver that will do, None for a CPU build;
    `fully_served` is False when the driver runs the toolkit through minor-version compatibility. `evidence` says how
    the arch list is known: `measured`, `user-output`, `build-script` or `inferred`, and `source` where that can be
    checked. `install` holds the commands that install it, unlocked, into the active environment.
    """

    torch: str
    cuda_tag: str
    index_url: str
    torchvision: str | None
    torchaudio: str | None
    code: tuple[Code, ...]
    driver_floor: str | None
    fully_served: bool
    cudnn: str | None
    evidence: str
    source: str
    install: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaChoice:
    """The conda build of PyTorch that was decided on.

    `specs` are the match specs that keep a solver on it. `install` holds the commands that make an environment of it.
    """

    pytorch: str
    cuda_version: str
    build: str
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    code: tuple[Code, ...]
    driver_floor: str | None
    fully_served: bool
    evidence: str
    source: str
    install: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedBuild:
    """A build that was not taken.

    `channel` is `pip` or `conda`; `unlock` maps options to values that would allow it.
    """

    channel: str
    torch: str
    cuda_tag: str
    code: str
    text: str
    unlock: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to know about a decision."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The newest builds of PyTorch that run: one from pip, one from conda, None where no build runs.

    `catalog` is the revision of the facts that it was made from. `rejected` are the builds of the chosen releases and
    of newer ones that were not taken, newest first.
    """

    catalog: str
    request: DecisionRequest
    gpus: tuple[RequestedGpu, ...]
    pip: PipChoice | None
    conda: CondaChoice | None
    rejected: Sequence[RejectedBuild]
    notices: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason against a build."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a build was not taken, or that it was.

    A `usable` build that is not `chosen` runs, but another one was preferred. `reasons` come with the most fundamental
    first; `unlock` maps options to values that would lift all of them, and is empty when nothing would.
    """

    platform: str
    channel: str
    torch: str
    cuda: str
    usable: bool
    chosen: bool
    reasons: tuple[Reason, ...]
    unlock: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedTorch:
    """One torch that a file names, on one platform.

    `line` is 1-based, `text` what stands there; `channel` is `pip` or `conda`, `variant` the extra, group or
    environment that it is of. `build` is the build that an installer takes, as far as it is known. `outcome` is `runs`,
    `fails` or `unknown`, `code` the kind of the reason; `change` is the smallest change of the file that makes it run,
    or None.
    """

    line: int
    text: str
    channel: str
    platform: str
    variant: str
    build: str
    outcome: str
    code: str
    reason: str
    notes: tuple[str, ...]
    change: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a file says of torch, and whether it runs. `remarks` are what else was seen in it."""

    name: str
    format: str
    torch: tuple[AuditedTorch, ...]
    remarks: tuple[str, ...]

    @property
    def runs(self) -> bool | None:
        """True when every torch of it runs, False when one doesn't, None when that can't be told."""
        outcomes = {one.outcome for one in self.torch}
        return False if "fails" in outcomes else None if "unknown" in outcomes or not outcomes else True
