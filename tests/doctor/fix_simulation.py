"""What a printed command changes on a computer, followed in a copy of the context that it was printed for.

Only what the command itself does is changed: a module that is loaded does not make a driver know a GPU, and an install
puts in the versions that are named, with the requirements that come with them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from doctor.samples import SITE, catalog
from envgen.causes.context import Context
from envgen.core.drivers import DriverVersion
from envgen.core.releases import cuda_of_tag
from envgen.environments.inspected import CondaRecord, Distribution, InspectedEnvironment, Interpreter, VersionFile
from envgen.environments.torch_run import RunOutcome, TorchDevice, TorchRun
from envgen.probe.observation import (
    EnvironmentKind,
    FabricManager,
    HostGpu,
    Laptop,
    MigInstance,
    Observation,
    Source,
    SourceStatus,
)
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve import resolve

Step = Callable[[Context, re.Match[str]], Context]


def followed(context: Context, command: str) -> Context:
    """Return the context after a command; a part of it that is of no known kind is an error of the test."""
    for step in re.split(r" && |; (?=[A-Za-z&])", command):
        context = _one(context, step.strip())
    return context


def _one(context: Context, step: str) -> Context:
    for pattern, action in _STEPS:
        if found := re.search(pattern, step):
            return action(context, found)
    raise AssertionError(f"no known kind of command: {step}")


def _observed(context: Context, **changes: object) -> Context:
    return replace(context, observation=replace(context.observation, **changes))  # type: ignore[arg-type]  # fields


def _set_variable(context: Context, name: str, value: str | None) -> Context:
    environ = {key: text for key, text in context.observation.environ if key != name}
    if value is not None:
        environ[name] = value
    context = _observed(context, environ=tuple(sorted(environ.items())))
    if name == "LD_LIBRARY_PATH":
        context = _without_library_path(context)
    if name in ("PYTHONNOUSERSITE", "PYTHONPATH"):
        context = _without_outside(context)
    return _run_again(context)


def _without_library_path(context: Context) -> Context:
    parts = context.observation.parts
    libraries = tuple(library for library in parts.libraries if library.origin != "LD_LIBRARY_PATH")
    version = next((library.version for library in libraries), parts.kernel_module)
    context = _observed(context, parts=replace(parts, libraries=libraries, user_library=version))
    environment = context.environment
    return replace(context, environment=replace(environment, path_libraries=()) if environment else None)


def _without_outside(context: Context) -> Context:
    environment = context.environment
    if environment is None:
        return context
    inside = [d for d in environment.distributions if d.folder.startswith(environment.interpreter.prefix)]
    torch = next((d for d in inside if d.name == "torch"), None)
    file = VersionFile(version=torch.version, cuda=_cuda(torch.version), hip=None) if torch else None
    folder = torch.folder if torch else ""
    changed = replace(environment, distributions=tuple(inside), torch=file, torch_folder=folder)
    return replace(context, environment=changed, run=None)


def _cuda(version: str) -> str | None:
    label = version.partition("+")[2]
    return cuda_of_tag(label) if label.startswith("cu") else None if label == "cpu" else "13.2"


def _run_again(context: Context) -> Context:
    """torch as it runs where nothing below it is at fault: with a kernel rightly on every GPU that it has code for."""
    if context.run is None:
        return context
    if context.without_library_path is not None:
        return replace(context, run=context.without_library_path, without_library_path=None)
    torch = context.environment.torch if context.environment else None
    devices = tuple(
        TorchDevice(name=k.label, capability=k.gpu.capability, kernel_error="", convolution_error="")
        for k in context.gpus
        if k.gpu
    )
    run = TorchRun(
        outcome=RunOutcome.DONE,
        stage="done",
        has_torch=True,
        torch_version=torch.version if torch else "",
        cuda=torch.cuda if torch else None,
        available=bool(devices),
        devices=devices,
    )
    return replace(context, run=run, not_run="")


def _driver_runs(context: Context, version: str) -> Context:
    """The module of a driver is loaded: it lists the GPUs that its branch serves, and no others."""
    driver = DriverVersion.parse(version)
    parts = replace(
        context.observation.parts,
        kernel_module=version,
        user_library=version,
        modules=("nvidia", "nvidia_uvm"),
        error="",
        error_code=None,
    )
    gpus = tuple(_driven(context, gpu, driver) for gpu in context.observation.gpus)
    sources = tuple(Source(name=source.name, status=SourceStatus.OK) for source in context.observation.sources)
    context = _observed(context, driver=driver, parts=parts, gpus=gpus, sources=sources)
    return _run_again(_observed(context, kernel_messages=(), xids=()))


def _driven(context: Context, gpu: HostGpu, driver: DriverVersion) -> HostGpu:
    matches = (catalog().match(query) for query in gpu.queries)
    known = next((match.gpu for match in matches if match.gpu), None)
    support = context.builds.support.get(known.capability) if known else None
    first, last = (support.first_branch or 0, support.last_branch or 999) if support else (0, 999)
    served = first <= driver.branch <= last
    return replace(gpu, is_driven=served, error="", power="", problem=None, kernel_driver="nvidia" if served else "")


def _modprobe(context: Context, _: re.Match[str]) -> Context:
    return _driver_runs(context, context.observation.parts.user_library or str(context.observation.driver))


def _reboot(context: Context, _: re.Match[str]) -> Context:
    parts = context.observation.parts
    return _driver_runs(context, parts.user_library or parts.kernel_module or "570.133.20")


def _install_driver(context: Context, _: re.Match[str]) -> Context:
    """What `ubuntu-drivers install` takes: the newest branch that serves the GPUs."""
    last = min((s.last_branch for _, s in context.supports() if s.last_branch), default=None)
    branch = last or max(b.branch for b in context.builds.branches)
    release = next(b.last_linux for b in context.builds.branches if b.branch == branch)
    return _driver_runs(context, release)


def _install_flavour(context: Context, found: re.Match[str]) -> Context:
    flavour = "open" if found["open"] else "proprietary"
    context = _observed(context, parts=replace(context.observation.parts, flavour=flavour))
    return _driver_runs(context, context.observation.parts.kernel_module)


def _install_by_pip(context: Context, found: re.Match[str]) -> Context:
    wanted = dict(word.split("==") for word in shlex.split(found[0].replace("\\", "/")) if "==" in word)
    environment = context.environment
    if " .venv" in found[0] or environment is None or ".venv/bin" in found[0]:
        environment = _empty(context)
    site = next((folder for folder in environment.interpreter.path if folder.endswith("site-packages")), SITE)
    kept = tuple(d for d in environment.distributions if d.name not in wanted and not d.name.startswith("nvidia-"))
    new = tuple(
        Distribution(name=name, version=version, installer="pip", requires=(), folder=site, info=f"{name}-{version}")
        for name, version in wanted.items()
    )
    files = {name: VersionFile(version=version, cuda=_cuda(version), hip=None) for name, version in wanted.items()}
    changed = replace(
        environment,
        distributions=(*kept, *new),
        torch=files["torch"],
        vision=files.get("torchvision", environment.vision if "torchvision" in str(kept) else None),
        audio=files.get("torchaudio"),
        torch_folder=site,
        settings=(),
    )
    return _run_again(replace(context, environment=changed, unexamined=""))


def _empty(context: Context, version: str = "") -> InspectedEnvironment:
    old = context.environment
    version = version or (old.interpreter.version if old else "3.12.8")
    prefix = "/home/ada/.venv"
    folder = f"{prefix}/lib/python{'.'.join(version.split('.')[:2])}/site-packages"
    python = Interpreter(version=version, executable="", prefix=prefix, base_prefix="/usr", path=(folder,))
    return InspectedEnvironment(
        interpreter=python,
        kind=EnvironmentKind.VENV,
        distributions=(),
        torch=None,
        vision=None,
        torch_folder="",
        conda=(),
        has_pip=True,
    )


def _install_by_conda(context: Context, found: re.Match[str]) -> Context:
    environment = context.environment
    spec = re.search(r"pytorch=(?P<version>[\d.]+)=cuda(?P<cuda>\d{3})", found[0])
    if environment is None or spec is None:
        return context  # NumPy alone
    record = CondaRecord(
        name="pytorch", version=spec["version"], build=f"cuda{spec['cuda']}_py312_0", channel="conda-forge"
    )
    torch = VersionFile(version=spec["version"], cuda=cuda_of_tag(f"cu{spec['cuda']}"), hip=None)
    others = tuple(d for d in environment.distributions if d.name not in ("torch", "torchvision", "torchaudio"))
    changed = replace(
        environment, distributions=others, torch=torch, vision=None, audio=None, conda=(record,), settings=()
    )
    return _run_again(replace(context, environment=changed))


def _remove_from_conda(context: Context, found: re.Match[str]) -> Context:
    environment = context.environment
    assert environment is not None
    gone = found["names"].split()
    left = tuple(record for record in environment.conda if record.name not in gone)
    others = tuple(d for d in environment.distributions if d.installer != "conda")
    return replace(context, environment=replace(environment, conda=left, distributions=others, torch=None))


def _uninstall(context: Context, _: re.Match[str]) -> Context:
    environment = context.environment
    assert environment is not None
    names = ("torch", "torchvision", "torchaudio")
    left = tuple(d for d in environment.distributions if d.name not in names)
    changed = replace(environment, distributions=left, torch=None, vision=None, audio=None)
    return replace(context, environment=changed)


def _start_fabric_manager(context: Context, _: re.Match[str]) -> Context:
    parts = context.observation.parts
    manager = FabricManager(state="active", version=parts.kernel_module)
    changed = replace(parts, fabric_manager=manager, fabric_state="Completed")
    return _run_again(_observed(context, parts=changed))


def _prime(context: Context, _: re.Match[str]) -> Context:
    laptop = Laptop(profile="on-demand", profile_from="/etc/prime-discrete")
    context = _observed(context, system=replace(context.observation.system, laptop=laptop))
    return _driver_runs(context, context.observation.parts.user_library or "570.133.20")


def _open_nodes(context: Context, _: re.Match[str]) -> Context:
    nodes = tuple(replace(node, accessible=True) for node in context.observation.parts.nodes)
    return _run_again(_observed(context, parts=replace(context.observation.parts, nodes=nodes)))


def _cut_into_slices(context: Context, _: re.Match[str]) -> Context:
    slices = (MigInstance(name="1g.5gb", uuid="MIG-1"),)
    gpus = tuple(replace(gpu, mig_instances=slices) if gpu.mig else gpu for gpu in context.observation.gpus)
    return _run_again(_observed(context, gpus=gpus))


def _other_python(context: Context, found: re.Match[str]) -> Context:
    """The interpreter of another environment, or this one waited for, or a restart of WSL: torch runs there."""
    named = (e for e in context.neighbours if e.interpreter.executable and e.interpreter.executable in found[0])
    environment = next(named, context.environment)
    return _run_again(replace(context, environment=environment, neighbours=()))


def _shell_variable(context: Context, found: re.Match[str]) -> Context:
    return _set_variable(context, found["name"], found["value"].strip('"'))


def _unset(context: Context, found: re.Match[str]) -> Context:
    return _set_variable(context, found["name"], None)


def _default_mode(context: Context, _: re.Match[str]) -> Context:
    gpus = tuple(replace(gpu, compute_mode="Default") for gpu in context.observation.gpus)
    return _run_again(_observed(context, gpus=gpus))


def _runs_again(context: Context, _: re.Match[str]) -> Context:
    return _run_again(context)


def _driver_again(context: Context, _: re.Match[str]) -> Context:
    return _driver_runs(context, context.observation.parts.kernel_module or "570.133.20")


def _as_it_is(context: Context, _: re.Match[str]) -> Context:
    return context


def _slurm(context: Context, _: re.Match[str]) -> Context:
    context = _open_nodes(context, _)
    context = _set_variable(context, "SLURM_JOB_GPUS", "0")
    return _set_variable(context, "CUDA_VISIBLE_DEVICES", "0")


def _wsl(context: Context, _: re.Match[str]) -> Context:
    """Windows' driver and device serve WSL again."""
    from doctor.samples import host

    good: Observation = host("wsl2-rtx3080-560.94")
    return _run_again(replace(context, observation=good))


def _by_envgen(context: Context, found: re.Match[str]) -> Context:
    """The environment that envgen's files make: a new one, with the Python and the builds of its decision."""
    words = shlex.split(found[0])[1:]
    given = {flag: [value for key, value in pairwise(words) if key == flag] for flag in words[::2]}
    assert context.subdir is not None
    options = RequestOptions(
        gpus=tuple(given.get("--gpu", ())),
        capabilities=tuple(given.get("--compute-capability", ())),
        drivers=tuple(given.get("--driver", ())),
        python=given["--python"][0],
        platforms=(context.subdir.value,),
    )
    (request,) = read_request(options, context.builds, catalog()).requests
    resolution = resolve(context.builds, request)
    new = replace(context, environment=_empty(context, f"{request.python}.1"), neighbours=(), unexamined="")
    if resolution.pip is not None:
        pairing = resolution.pip
        torch = pairing.build.torch if pairing.build.on_pypi else pairing.build.short_label
        vision = f" torchvision=={pairing.torchvision}" if pairing.torchvision else ""
        command = f"pip install torch=={torch}{vision}"
        return _one(new, command)
    assert resolution.conda is not None, found[0]
    environment = replace(_empty(context, f"{request.python}.1"), kind=EnvironmentKind.CONDA)
    cuda = resolution.conda.build.cuda_tag.removeprefix("cu")
    spec = f"conda install pytorch={resolution.conda.build.torch}=cuda{cuda}"
    return _one(replace(new, environment=environment), spec)


_STEPS: tuple[tuple[str, Step], ...] = (
    (r"^envgen .*--python .*", _by_envgen),
    (r".*pip install .*torch==.*", _install_by_pip),
    (r"^(\S+ )?.*-m venv \.venv$|-m ensurepip$", _as_it_is),
    (r"pip uninstall", _uninstall),
    (r"pip install .*numpy|conda install .* numpy$", _runs_again),
    (r"^conda remove -y -p \S+ (?P<names>.+)$", _remove_from_conda),
    (r"^conda install .*", _install_by_conda),
    (r"^pixi add .*", _install_by_conda),
    (r"^unset (?P<name>\w+)$|^Remove-Item Env:(?P<name_>\w+)$", lambda c, m: _set_variable(c, m[1] or m[2], None)),
    (r"^export (?P<name>\w+)=(?P<value>\S+)$|^\$env:(\w+)=(\S+)$", lambda c, m: _set_variable(c, m[1] or m[3], m[2])),
    (r"^sudo modprobe nvidia$|mokutil --import", _modprobe),
    (r"modprobe (-r )?nvidia_uvm", _runs_again),
    (r"uvm_disable_hmm=1", _runs_again),
    (r"^sudo reboot$", _reboot),
    (r"ubuntu-drivers install", _install_driver),
    (r"apt install nvidia-driver-\d+(?P<open>-open)?$", _install_flavour),
    (r"apt-get install nvidia-fabricmanager", _as_it_is),
    (r"systemctl (enable --now|restart) nvidia-fabricmanager", _start_fabric_manager),
    (r"apt-get install libnvidia-compute", _driver_again),
    (r"apt-get install lib|winget install", _runs_again),
    (r"prime-select on-demand", _prime),
    (r"usermod -aG", _open_nodes),
    (r"nvidia-smi mig -cgi", _cut_into_slices),
    (r"^srun ", _slurm),
    (r"nvidia-smi -c DEFAULT", _default_mode),
    (r"nvidia-cuda-mps-control -d", _runs_again),
    (r"wsl --|apt-get remove --purge|^sudo ldconfig$", _wsl),
    (r'-c "import torch|/bin/python$|python\.exe"?$', _other_python),
)
