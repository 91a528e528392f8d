"""The commands of pip, uv and conda that put a build into an environment, or torch out of it."""

from __future__ import annotations

from envgen.core.builds import Companions
from envgen.core.dataclass import dataclass
from envgen.core.resolution import Pairing
from envgen.core.sites import PYPI
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.shell import Shell, shell_of
from envgen.probe.observation import EnvironmentKind, InstallSetting, System

_PACKAGES = "torch torchvision torchaudio"
_CONDA_TORCH = ("pytorch", "pytorch-gpu", "pytorch-cpu", "libtorch", "torchvision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """Writes the commands for one environment (None: the active one). `settings` are the host's, of pip and uv."""

    system: System
    environment: InspectedEnvironment | None
    settings: tuple[InstallSetting, ...] = ()

    @property
    def shell(self) -> Shell:
        """The shell that the commands are pasted into."""
        return shell_of(self.system)

    @property
    def python(self) -> str:
        """The interpreter of the environment, or the word for the one that is active."""
        return (self.environment.interpreter.executable if self.environment else "") or "python"

    @property
    def needs_environment(self) -> bool:
        """True for a system's Python that is marked as such (PEP 668), or from which the system took pip."""
        environment = self.environment
        is_system = environment is not None and environment.kind is EnvironmentKind.SYSTEM
        return environment is not None and is_system and (environment.is_managed or not environment.has_pip)

    @property
    def _is_uv(self) -> bool:
        environment = self.environment
        return environment is not None and not environment.has_pip and environment.kind is EnvironmentKind.UV

    def ensure_pip(self) -> str:
        """Return what brings pip into an environment without it; empty where it has, or where uv does the work."""
        if self.environment is None or self.environment.has_pip or self._is_uv:
            return ""
        return f"{self.shell.program(self.python)} -m ensurepip"

    def uninstall_torch(self) -> str:
        """Return what takes torch and its companions out; empty where no package is let in."""
        if self.environment is None or self.needs_environment:
            return ""
        if self._is_uv:
            return f"uv pip uninstall --python {self.shell.word(self.python)} {_PACKAGES}"
        return self.shell.steps(self.ensure_pip(), f"{self.shell.program(self.python)} -m pip uninstall -y {_PACKAGES}")

    def remove_from_conda(self) -> str:
        """Return what takes conda's pytorch out: under pip's files its record would stay; empty where there is none."""
        environment = self.environment
        recorded = [name for name in _CONDA_TORCH if environment and environment.conda_record(name)]
        if environment is None or not recorded:
            return ""
        return f"conda remove -y -p {self.shell.word(environment.interpreter.prefix)} {' '.join(recorded)}"

    def reinstall(self, package: str) -> str:
        """Return what installs one package again, as it is; empty where no package is let in."""
        environment, shell = self.environment, self.shell
        if environment is None or self.needs_environment:
            return ""
        if environment.kind is EnvironmentKind.CONDA:
            return f"conda install -p {shell.word(environment.interpreter.prefix)} --force-reinstall {package}"
        if self._is_uv:
            return f"uv pip install --python {shell.word(self.python)} --reinstall {package}"
        install = f"{shell.program(self.python)} -m pip install --force-reinstall --no-deps {package}"
        return shell.steps(self.ensure_pip(), install)

    def install_by_pip(self, pairing: Pairing, companions: Companions | None, python: str = "") -> str:
        """Return what puts a pip pairing into an environment, in one step and whatever is there now.

        The exact versions carry the CUDA tag, so only PyTorch's own index can serve them; PyPI beside it has the rest.
        """
        index, shell, python = pairing.index_url, self.shell, python or self.python
        local = "" if index.startswith(PYPI) else f"+{pairing.build.cuda_tag}"
        no_index = self._is_without_index()
        if self._is_uv:
            parts = [f"uv pip install --python {shell.word(python)} --reinstall"]
            parts += ["--no-config"] if no_index else []
        else:
            parts = [f"{shell.program(python)} -m pip install --force-reinstall"]
        if local:
            parts += ["--index-url", index, "--extra-index-url", PYPI]
            parts += ["--index-strategy unsafe-best-match"] if self._is_uv else []
        else:
            parts += ["--index-url", PYPI]
        command = " ".join([*parts, *_packages(pairing, companions, local)])
        # No option takes pip's no-index back; a variable is stronger than the files, and replaces itself.
        return shell.with_variable("PIP_NO_INDEX", "0", command) if no_index and not self._is_uv else command

    def install_by_conda(self, pairing: Pairing) -> str:
        """Return what puts a conda pairing into a conda environment."""
        prefix = self.environment.interpreter.prefix if self.environment else ""
        channels = " ".join(f"-c {channel}" for channel in pairing.build.conda.channels)
        specs = " ".join(f'"{spec}"' for spec in pairing.specs)
        return f"conda install -p {self.shell.word(prefix)} --override-channels {channels} --force-reinstall {specs}"

    def _is_without_index(self) -> bool:
        """True when a setting of that installer forbids every index, so that one on its command line is not asked."""
        settings = (*self.settings, *(self.environment.settings if self.environment else ()))
        # pip reads such a value as distutils' strtobool does; uv has no variable for it (0.13).
        words = ("1", "true", "yes", "on", "y", "t")
        forbidding = (s.origin for s in settings if s.key == "no-index" and s.value.lower() in words)
        return any(o.endswith("uv.toml") == self._is_uv for o in forbidding if not o.startswith("UV_"))


def _packages(pairing: Pairing, companions: Companions | None, local: str) -> list[str]:
    packages = [f"torch=={pairing.build.torch}{local}"]
    if pairing.torchvision:
        packages.append(f"torchvision=={pairing.torchvision}{local}")
    if pairing.torchaudio:
        # One that only loads beside this torch is older, and not built for each of its CUDA tags.
        matched = companions is not None and companions.torchaudio == pairing.torchaudio
        packages.append(f"torchaudio=={pairing.torchaudio}{local if matched else ''}")
    return packages
