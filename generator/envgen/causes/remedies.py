"""Remedies that several causes share, each built in one place."""

from __future__ import annotations

import re

from envgen.causes.context import Context
from envgen.causes.findings import Remedy

INSTALL_BUILD = Remedy(text="install a build of torch for this GPU and driver")
REINSTALL = Remedy(text="reinstall torch and its nvidia packages together")
PAIR_AGAIN = Remedy(text="install both again from one index, in one command")
RELOAD_UVM = "sudo modprobe -r nvidia_uvm && sudo modprobe nvidia_uvm"


def first(text: str, command: str) -> Remedy:
    """Return a remedy whose text is done before the command, or says where to run it."""
    return Remedy(text=text, where=text if command else "", command=command)


def unset(context: Context, variable: str, text: str) -> Remedy:
    """Return how a variable is taken out of the environment."""
    return Remedy(text=text, command=context.installer.shell.unset(variable))


def reboot(context: Context, text: str) -> Remedy:
    """Return a remedy that ends in a restart, where one command does that."""
    return Remedy(text=text, command="sudo reboot" if context.is_linux else "")


def install_driver(context: Context, text: str) -> Remedy:
    """Return how a driver is installed: the distribution's own way, where one chooses the branch by itself."""
    name = context.observation.system.name
    return first(text, "sudo ubuntu-drivers install" if name.startswith(("Ubuntu", "Linux Mint")) else "")


def enrol_key(context: Context) -> Remedy:
    """Return how the key of DKMS is enrolled: Debian's own from 12 on, Ubuntu's is the one of its shim."""
    name, command = context.observation.system.name, ""
    if name.startswith("Debian"):
        # wiki.debian.org/SecureBoot: dkms makes a key by itself from Debian 12 on; testing states no number.
        release = re.search(r"\b\d+\b", name)
        command = "sudo mokutil --import /var/lib/dkms/mok.pub" if not release or int(release[0]) >= 12 else ""
    elif is_debian_like(context):
        command = "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der"
    return Remedy(
        text="sign the module (the distribution asks for it at the next start), or turn Secure Boot off",
        where="enrol the key that signs the module, then reboot and confirm it with the password that you give here",
        command=command,
    )


def branch_to_install(context: Context) -> str:
    """Return which driver branch serves all the GPUs of the host."""
    limits = [(support.last_branch, known) for known, support in context.supports() if support.last_branch]
    if not limits:
        return "the current one"
    branch, known = min(limits, key=lambda limit: limit[0])
    return f"branch R{branch}: the last one that serves {known.label}"


def is_debian_like(context: Context) -> bool:
    """Return whether the host's packages are those of Debian or of a system made from it."""
    return context.observation.system.name.startswith(("Ubuntu", "Debian", "Linux Mint", "Pop!_OS"))
