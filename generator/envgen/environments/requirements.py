"""Whether the packages that torch requires are all there, whole, and in the versions that it requires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envgen.core.requirements import applies, marker_environment, normalise_project, parsed
from envgen.environments.inspected import Distribution, InspectedEnvironment
from envgen.probe.observation import EnvironmentKind, System


def damages(environment: InspectedEnvironment) -> Iterator[str]:
    """Yield the distributions of which recorded files are gone."""
    for distribution in environment.distributions:
        if distribution.missing and not _is_conda(environment):
            count = len(distribution.missing)
            more = f" and {count - 1} more files" if count > 1 else ""
            yield f"{distribution.name} {distribution.version}: {distribution.missing[0]}{more} missing"


def unmet(environment: InspectedEnvironment, system: System) -> Iterator[str]:
    """Yield what torch and its CUDA packages require of each other and is not there, or not in that version."""
    python = environment.interpreter
    if _is_conda(environment) or not python.version:
        return
    markers = marker_environment(
        system=system.os,
        machine=system.machine,
        python=python.version,
        implementation=python.implementation,
        kernel=system.kernel,
    )
    for torch in environment.named("torch")[:1]:
        yield from _unmet_by(torch, frozenset({""}), environment, markers)


def _unmet_by(
    requiring: Distribution, extras: frozenset[str], environment: InspectedEnvironment, markers: Mapping[str, str]
) -> Iterator[str]:
    installed = {d.name: d for d in reversed(environment.distributions)}
    for wanted in parsed(requiring.requires):
        name = normalise_project(wanted.name)
        if not name.startswith(("nvidia-", "cuda-")) or not applies(wanted, extras, markers):
            continue
        if name not in installed:
            yield f"{requiring.name} {requiring.version} requires {name}{wanted.specifier}, which is not installed"
        elif not wanted.specifier.contains(installed[name].version, prereleases=True):
            has = installed[name].version
            yield f"{requiring.name} {requiring.version} requires {name}{wanted.specifier}, installed is {has}"
        elif wanted.extras:
            # cuda-toolkit is only a list: what torch needs of it are its extras.
            yield from _unmet_by(installed[name], frozenset(wanted.extras), environment, markers)


def _is_conda(environment: InspectedEnvironment) -> bool:
    """conda's own dist-infos may list files that its packages don't hold."""
    return environment.kind is EnvironmentKind.CONDA and environment.conda_record("pytorch") is not None
