"""The commands of a distribution that install a driver, enrol a key, or bring a package."""

from __future__ import annotations

import re

from envgen.probe.observation import System


def is_debian_like(system: System) -> bool:
    """Return whether the host's packages are those of Debian or of a system made from it."""
    return system.name.startswith(("Ubuntu", "Debian", "Linux Mint", "Pop!_OS"))


def install_package(system: System, *packages: str) -> str:
    """Return what installs packages; empty where they have other names."""
    return f"sudo apt-get install {' '.join(packages)}" if is_debian_like(system) and all(packages) else ""


def install_driver(system: System) -> str:
    """Return the distribution's own way to a driver, where one chooses the branch by itself; else an empty text."""
    return "sudo ubuntu-drivers install" if system.name.startswith(("Ubuntu", "Linux Mint")) else ""


def enrol_key(system: System) -> str:
    """Return what enrols the key of DKMS: Debian's own from 12 on, Ubuntu's is the one of its shim."""
    if system.name.startswith("Debian"):
        # wiki.debian.org/SecureBoot: dkms makes a key by itself from Debian 12 on; testing states no number.
        release = re.search(r"\b\d+\b", system.name)
        return "sudo mokutil --import /var/lib/dkms/mok.pub" if not release or int(release[0]) >= 12 else ""
    return "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der" if is_debian_like(system) else ""
