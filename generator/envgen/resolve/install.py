"""The commands that install a pairing without a lock."""

from __future__ import annotations

from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet


def install_commands(pairing: Pairing) -> tuple[str, ...]:
    """The commands that install a pairing, unlocked: pip into the active environment, conda into a new one."""
    build = pairing.build
    if build.package_set is PackageSet.PIP:
        versions = {"torch": build.torch, "torchvision": pairing.torchvision, "torchaudio": pairing.torchaudio}
        wanted = " ".join(f"{name}=={version}" for name, version in versions.items() if version)
        return (f"pip install {wanted} --index-url {pairing.index_url}",)
    channels = " ".join(f"--channel {channel}" for channel in build.conda.channels)
    specs = " ".join(f'"{spec}"' for spec in pairing.specs)
    return (f"conda create --name {build.environment_name} --override-channels {channels} {specs}",)
