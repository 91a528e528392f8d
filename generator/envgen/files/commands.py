"""What a generated file says about itself in its header, and the commands that use it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from envgen.core.platforms import Subdir
from envgen.core.request import CHOICES, DriverOrigin, Request, choices_of
from envgen.core.resolution import Notice
from envgen.core.sets import PackageSet
from envgen.files.quoting import command_line
from envgen.records.request import PlatformRecord, RequestRecord
from envgen.request.options import RequestOptions, declared

VENV = ".venv"
# The state of a set that `--only` left out.
NOT_ASKED = "not-asked"


def target(request: Request) -> str:
    """Whom a file is for: `GeForce MX450 (compute capability 7.5), win-64, Python 3.12`, or `the CPU, win-64, …`."""
    gpus = ", ".join(f"{r.gpu.name} (compute capability {r.gpu.capability})" for r in request.gpus)
    return f"{gpus or 'the CPU'}, {request.subdir}, Python {request.python}"


def request_command(record: RequestRecord, mirror_words: Iterable[str] = ()) -> str:
    """The command line that asks for the same again, from the catalog's names; the same for every spelling.

    `mirror_words` are options that say whose URLs the files name, which a record does not hold.
    """
    first = record.platforms[0]
    words = ["envgen"]
    machines = [machine for platform in record.platforms for machine in platform.machines]
    each = any({*machine.gpus} != {*first.gpus} for machine in machines) or len({m.wsl for m in machines}) > 1
    # A name that exists with two capabilities is two GPUs of the record, and one of the command.
    gpus = dict.fromkeys(gpu for platform in record.platforms for gpu in platform.gpus)
    asked = (("--gpu", gpu.name) if gpu.name else ("--compute-capability", str(gpu.capability)) for gpu in gpus)
    for option in dict.fromkeys(asked) if not each else ():
        words += option
    for platform in record.platforms:
        words += _machine_words(platform) if each else ()
        words += ["--platform", _platform_word(platform)]
    words += _driver_words(record) if not each else ()
    words += ["--python", record.python]
    words += _by_platform("--glibc", {one.subdir: one.glibc for one in record.platforms})
    words += _choice_words(record)
    words += _by_platform("--only", {one.subdir: _only(one) for one in record.platforms})
    words += ["--name", record.name] if record.name else []
    words += [] if record.index_lines else ["--no-index-lines"]
    conda = tuple(name for name in record.inputs if name.endswith((".yml", ".yaml")))
    others = tuple(name for name in record.inputs if name not in conda)
    inputs = (
        ("--requirements", others),
        ("--environment", conda),
        ("--extra", record.extras),
        ("--group", record.groups),
        ("--channel", record.channels),
        ("--allow-source", record.sources),
    )
    words += [word for name, values in inputs for value in values for word in (name, value)]
    for package in record.with_texts():
        words += ["--with", package.replace('"', "'")]  # a marker may use either, a command line only one
    return command_line([*words, *mirror_words])


def _by_platform(option: str, values: Mapping[Subdir, str]) -> Iterator[str]:
    """An option once, where all platforms that need it have one value, or else with each platform; empty: not needed.

    A glibc is of Linux alone, so Windows has none to differ in.
    """
    stated = {subdir: value for subdir, value in values.items() if value}
    is_shared = len({*stated.values()}) == 1 and (len(stated) == len(values) or option == "--glibc")
    for subdir, value in stated.items():
        yield from (option, value if is_shared else f"{subdir}={value}")
        if is_shared:
            return


def _only(platform: PlatformRecord) -> str:
    """The set that alone was asked for on a platform, or an empty text."""
    asked = [one for one in PackageSet if platform.sets.get(one) != NOT_ASKED]
    return asked[0].value if len(asked) == 1 else ""


def _choice_words(record: RequestRecord) -> Iterator[str]:
    """The options of the choices that are not the default; the Python is always named."""
    flags = {name: option.flag for name, (_, option) in declared(RequestOptions).items()}
    for name, value in choices_of(record).items():
        if value == CHOICES[name] or name == "python":
            continue
        yield flags[name]
        if isinstance(value, str):
            yield value


def _machine_words(platform: PlatformRecord) -> Iterator[str]:
    """The machines of one platform, each with its driver."""
    for machine in platform.machines or (platform,):
        for gpu in machine.gpus:
            driver = f"JetPack {machine.jetpack}" if machine.jetpack else str(machine.driver or "")
            where = "wsl" if machine.wsl else platform.subdir
            yield from ("--machine", f"{gpu.name or gpu.capability};{driver};{where}")


def _platform_word(platform: PlatformRecord) -> str:
    """The platform as `--platform` takes it; WSL2 is a Linux whose driver is that of Windows."""
    return "wsl" if platform.wsl else platform.subdir.value


def _driver_words(record: RequestRecord) -> Iterator[str]:
    """The drivers that were stated: once when all platforms have the same, else each with its platform."""
    if any(platform.machines for platform in record.platforms):
        for platform in record.platforms:
            where = f"{platform.subdir}=" if len(record.platforms) > 1 else ""
            yield from (w for m in platform.machines if m.driver for w in ("--driver", f"{where}{m.driver}"))
        return
    stated = [p for p in record.platforms if p.driver is not None and p.driver_origin is not DriverOrigin.ASSUMED]
    drivers = {str(platform.driver) for platform in stated}
    for platform in stated:
        if len(drivers) == 1 and len(stated) == len(record.platforms):
            yield from ("--driver", *drivers)
            return
        yield from ("--driver", f"{platform.subdir}={platform.driver}")


def venv_command(subdir: Subdir, python: str, venv: str = VENV) -> str:
    """The command that makes a virtual environment with a Python (X.Y) that is installed."""
    launcher = f"py -{python}" if subdir.is_windows else f"python{python}"
    return f"{launcher} -m venv {venv}"


def venv_python(subdir: Subdir, venv: str = VENV) -> str:
    """How the Python of a virtual environment is called from the folder that it is in."""
    return rf"{venv}\Scripts\python" if subdir.is_windows else f"{venv}/bin/python"


def pip_command(subdir: Subdir, requirements: str, venv: str = VENV) -> str:
    """The command that fills a virtual environment from a lock."""
    return f"{venv_python(subdir, venv)} -m pip install --require-hashes -r {requirements}"


def conda_command(explicit: str, environment: str) -> str:
    """The command that makes the locked conda environment (conda, mamba and micromamba alike)."""
    return f"conda create --name {environment} --file {explicit}"


def notice_lines(notices: Sequence[Notice]) -> tuple[str, ...]:
    """The notices of a decision, a line each."""
    return tuple(f"note [{notice.code}]: {notice.text}" for notice in notices)
