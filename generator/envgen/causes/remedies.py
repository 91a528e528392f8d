"""Remedies that several causes share, each built in one place."""

from __future__ import annotations

from envgen.causes.context import Context
from envgen.causes.findings import Remedy
from envgen.environments import system

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
    """Return how a driver is installed."""
    return first(text, system.install_driver(context.observation.system))


def enrol_key(context: Context) -> Remedy:
    """Return how a module that the distribution signed is let in."""
    return Remedy(
        text="sign the module (the distribution asks for it at the next start), or turn Secure Boot off",
        where="enrol the key that signs the module, then reboot and confirm it with the password that you give here",
        command=system.enrol_key(context.observation.system),
    )


def branch_to_install(context: Context) -> str:
    """Return which driver branch serves all the GPUs of the host."""
    limits = [(support.last_branch, known) for known, support in context.supports() if support.last_branch]
    if not limits:
        return "the current one"
    branch, known = min(limits, key=lambda limit: limit[0])
    return f"branch R{branch}: the last one that serves {known.label}"
