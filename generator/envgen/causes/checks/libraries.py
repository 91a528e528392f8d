"""Does the process load the right libraries: the driver's libcuda, torch's own CUDA, what Windows must bring?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import REINSTALL, first, unset
from envgen.core.findings import Level
from envgen.environments.requirements import damages, unmet
from envgen.environments.system import install_package
from envgen.environments.torch_run import RunOutcome
from envgen.probe.observation import CudaLibrary

_LIBRARY_NOT_FOUND = 12  # NVML_ERROR_LIBRARY_NOT_FOUND, nvml.h
_LIBRARY_PATH = "LD_LIBRARY_PATH"
_LEAVE_EMPTY = "leave LD_LIBRARY_PATH empty: torch brings its own CUDA libraries"
_NO_COMMIT = "[WinError 1455]"  # ERROR_COMMITMENT_LIMIT, winerror.h
_LIBRARY_WORDS = (
    *(
        "libcudnn",
        "libcublas",
        "libcudart",
        "libcufft",
        "libcurand",
        "libcusolver",
        "libcusparse",
        "libcupti",
        "libnccl",
    ),
    *("libnvrtc", "libnvJitLink", "libnvshmem", "libcufile", "libnvToolsExt", "libtorch", "libc10", "cudnn_"),
    *("[WinError 126]", "[WinError 127]", "[WinError 182]", "[WinError 193]", "[WinError 1114]", "DLL load failed"),
    *("undefined symbol", "Could not load library", "Unable to load any of", "CUDNN_STATUS_SUBLIBRARY"),
)
# After the import a library's bare name proves nothing: a stack trace names the library of every frame.
_NOT_LOADED = (
    *("undefined symbol", "cannot open shared object file", "Could not load library", "Unable to load any of"),
    *("Cannot load symbol cudnn", "CUDNN_STATUS_SUBLIBRARY"),
)
# What a loader says of two libraries that are there and don't go together.
_OF_ANOTHER = ("undefined symbol", "version `", "[WinError 127]", "[WinError 182]")
_OF_SYSTEM = re.compile(r"\s(?:/usr)?/lib(?:64|32)?/(?:[\w-]+/)?lib[^/\s]+: version `")
# Libraries of the system that torch's wheels load, and Debian's packages of them.
_PACKAGES = {"libgomp.so.1": "libgomp1", "libstdc++.so.6": "libstdc++6", "libz.so.1": "zlib1g"}
# NumPy's own words when its compiled part is gone or of another Python (numpy/core/__init__.py).
_NUMPY = (
    *("numpy.core.multiarray failed to import", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"),
    *("numpy C-extensions", "Error importing numpy"),
)


def libcuda_missing(context: Context) -> Iterator[Finding]:
    """The kernel module runs, and the libraries of the driver are not installed."""
    parts = context.observation.parts
    absent = context.shows(Trait.LIBRARIES) or parts.error_code == _LIBRARY_NOT_FOUND
    if not parts.kernel_module or parts.libraries or context.driver_answers or not absent:
        return
    version, branch = parts.kernel_module, parts.kernel_module.partition(".")[0]
    evidence = [f"kernel module {version} is loaded", parts.error]
    evidence += ["libcuda.so.1 is in no folder of the loader"] if context.shows(Trait.LIBRARIES) else []
    is_ubuntu = context.observation.system.name.startswith("Ubuntu")
    command = f"sudo apt-get install libnvidia-compute-{branch} nvidia-utils-{branch}" if is_ubuntu else ""
    text = f"install the user libraries of driver {version} (with its compute part), in exactly that version"
    yield Finding(
        title="the driver's libraries are not installed",
        evidence=tuple(line for line in evidence if line),
        remedy=first(text, command),
    )


def libcuda_shadowed(context: Context) -> Iterator[Finding]:
    """The loader takes another libcuda than the driver's."""
    observation = context.observation
    library = next(iter(observation.parts.libraries), None)
    evidence = list(_foreign_libcuda(context, library))
    message = context.error_line("Found no NVIDIA driver")
    if message and context.driver_answers and not observation.system.wsl and context.shows(Trait.LIBRARIES):
        evidence.append(f"the driver answers NVML, and torch: {message}")
        evidence.append(f"libcuda.so.1 that the loader finds: {library.path if library else 'none'}")
    if evidence:
        text = "leave foreign folders out of LD_LIBRARY_PATH, let the loader find the driver's (`sudo ldconfig`)"
        by_path = bool(observation.variable(_LIBRARY_PATH))
        yield Finding(
            title="the loader does not take the driver's own libcuda",
            evidence=tuple(evidence),
            remedy=unset(context, _LIBRARY_PATH, text) if by_path else Remedy(text=text),
        )


def _foreign_libcuda(context: Context, library: CudaLibrary | None) -> Iterator[str]:
    module = context.observation.parts.kernel_module
    if library and "/stubs" in library.path:
        yield f"the loader takes {library.path} ({library.origin}), a stub without a driver behind it"
    for path in context.run.libraries if context.run else ():
        if "libcuda.so" in path and "/stubs" in path:
            yield f"torch loaded {path}"
    if message := context.cuda_error(34) or context.error_line("stub library"):
        yield message
    foreign = library is not None and library.origin == _LIBRARY_PATH and "/compat" not in library.path
    if library and foreign and module and library.version not in ("", module):
        yield f"LD_LIBRARY_PATH brings {library.target}, the driver is {module}"


def forward_compatibility(context: Context) -> Iterator[Finding]:
    """cuda-compat works on data-centre GPUs only, and only over an older driver."""
    observation = context.observation
    message = context.cuda_error(804) or context.error_line("forward compatibility was attempted")
    library = next(iter(observation.parts.libraries), None)
    compat = library is not None and "/compat" in library.path
    consumer = [k for k in context.gpus if k.gpu and k.gpu.segment and k.gpu.segment != "datacenter"]
    if not message and not (compat and consumer):
        return
    evidence = [message] if message else []
    if compat and library:
        driver = observation.driver or "unknown"
        evidence.append(f"the loader takes {library.target} ({library.origin}) over driver {driver}")
    evidence += [f"{known.label} is no data-centre GPU" for known in consumer]
    text = "take the compat folder out of the loader's path, update the host's driver, or use an older image"
    by_path = compat and library is not None and library.origin == _LIBRARY_PATH
    yield Finding(
        title="a cuda-compat library is used where it can't work",
        evidence=tuple(evidence),
        remedy=unset(context, _LIBRARY_PATH, text) if by_path else Remedy(text=text),
    )


def paging_file(context: Context) -> Iterator[Finding]:
    """Windows promises memory for all of a library when it loads it: CUDA's are of gigabytes."""
    failed = context.run.import_error if context.run else ""
    if _NO_COMMIT in failed:
        yield Finding(
            title="Windows' commit limit (RAM and paging file) was reached while loading torch",
            evidence=(_one_line(failed),),
            remedy=Remedy(
                text="raise the size of the paging file (System Properties, Advanced, Performance, Virtual memory) "
                "and restart, or end other programs; the installation is not at fault"
            ),
        )


def cuda_on_library_path(context: Context) -> Iterator[Finding]:
    """LD_LIBRARY_PATH wins over the libraries that torch brings."""
    if context.is_cpu_build and not context.start_errors:
        return
    found = context.environment.path_libraries if context.environment else ()
    remedy = unset(context, _LIBRARY_PATH, _LEAVE_EMPTY)
    if evidence := _fault_of_path(context) or other_cudnn(context):
        value = context.observation.variable(_LIBRARY_PATH)
        stated = (f"LD_LIBRARY_PATH={value}",) if value else ()
        yield Finding(
            title="LD_LIBRARY_PATH brings other libraries than those that torch needs",
            evidence=tuple(dict.fromkeys((*evidence, *stated, *found))),
            remedy=remedy,
        )
        return
    major = context.torch_cuda.partition(".")[0]
    runtime = [p for p in found if "libcudart.so." in p and not p.endswith(f".so.{major}")]
    if runtime and major:
        yield Finding(
            level=Level.WARNING,
            title="LD_LIBRARY_PATH holds the libraries of another CUDA major",
            evidence=(f"torch is built for CUDA {context.torch_cuda}", *runtime),
            remedy=remedy,
        )


def _fault_of_path(context: Context) -> tuple[str, ...]:
    """What shows that torch fails by LD_LIBRARY_PATH: a run without it, else a sound install that can't be loaded."""
    run, without = context.run, context.without_library_path
    if run is None:
        return ()
    message = _one_line(run.import_error or context.run_failure or context.start_errors)
    if without is not None:
        better = without.has_torch and not run.has_torch
        better = better or (without.works and not run.works) or (without.computes and not run.computes)
        did = "computes" if without.computes else "can be imported"
        return (message, f"without LD_LIBRARY_PATH the same torch {did}") if better else ()
    by_symbol = any(words in run.import_error for words in ("undefined symbol", "version `"))
    brings = bool(context.environment and context.environment.path_libraries) or "cuda" in (
        context.observation.variable(_LIBRARY_PATH) or ""
    )
    if not (by_symbol and brings and _is_whole(context)):
        return ()
    return (message, *_whole_line(context))


def other_cudnn(context: Context) -> tuple[str, ...]:
    """Return what shows that LD_LIBRARY_PATH brings another cuDNN than torch's own; empty where nothing does."""
    message = context.error_line("cuDNN version incompatibility")
    found = context.environment.path_libraries if context.environment else ()
    libraries = [path for path in found if "libcudnn" in path]
    # torch's words where the path names cuda or cudnn; of any other path it says only that it may be the cause.
    by_path = "Looks like your LD_LIBRARY_PATH" in message
    return (message, *libraries) if message and (libraries or by_path) else ()


def system_library_missing(context: Context) -> Iterator[Finding]:
    """torch's own libraries are there, and one that the system must bring is not: no torch changes that."""
    failed = context.run.import_error if context.run else ""
    windows = re.search(r"\[WinError 126\].{0,300}?([A-Za-z0-9_]+)\.dll", failed, re.DOTALL)
    linux = re.search(r"\b(lib[\w+-]+\.so[.\d]*): cannot open shared object file", failed)
    # Where nothing shows what is installed: the two of which the reason is all but certain.
    by_accident = windows is not None and windows[1] in ("fbgemm", "c10")
    if not (windows or linux) or not _is_whole(context) or not (by_accident or context.shows(Trait.PACKAGES)):
        return
    if windows:
        title, remedy = _missing_in_windows(f"{windows[1]}.dll")
    elif linux and not any(word in linux[1] for word in _LIBRARY_WORDS):
        title = f"this system lacks {linux[1]}, which torch needs"
        text = f"install the package of the system that brings {linux[1]}"
        command = install_package(context.observation.system, _PACKAGES.get(linux[1], ""))
        remedy = Remedy(text=text, command=command)
    else:
        return
    yield Finding(title=title, evidence=(_one_line(failed), *_whole_line(context)), remedy=remedy)


def _missing_in_windows(library: str) -> tuple[str, Remedy]:
    """What Windows lacks when a library of torch's can't be loaded, and what brings it."""
    if library == "fbgemm.dll":
        # pytorch/pytorch#131662: torch 2.4.0 was built against it by accident, 2.4.1 is not (pull request 130697).
        text = (
            "install Visual Studio's C++ build tools (component MSVC v143, x64/x86), which bring "
            "libomp140.x86_64.dll; the Visual C++ redistributable has it not. Or install torch 2.4.1 or newer"
        )
        return f"Windows lacks libomp140.x86_64.dll, which torch's {library} needs", Remedy(text=text)
    return f"Windows can't load torch's {library}, as where Microsoft's Visual C++ runtime is missing", Remedy(
        text="install Microsoft's Visual C++ runtime (aka.ms/vs/17/release/vc_redist.x64.exe), then start anew",
        command="winget install --id Microsoft.VCRedist.2015+.x64",
    )


def numpy_broken(context: Context) -> Iterator[Finding]:
    """NumPy can't be imported, and torch imports it: torch itself is not at fault."""
    failed = context.run.import_error if context.run else ""
    if any(words in failed for words in _NUMPY):
        yield Finding(
            title="NumPy is broken, and torch imports it",
            evidence=(_one_line(failed),),
            remedy=Remedy(text="reinstall NumPy; torch is not at fault", command=context.installer.reinstall("numpy")),
        )


def foreign_libraries(context: Context) -> Iterator[Finding]:
    """torch is whole and its libraries don't go together in the process: the same build again changes nothing."""
    failed = _import_error(context)
    named = context.shows(Trait.PACKAGES) or _OF_SYSTEM.search(failed)
    if not named or not any(word in failed for word in _OF_ANOTHER) or not _is_whole(context):
        return
    python = context.installer.shell.program(context.installer.python)
    yield Finding(
        title="torch is whole, and the loader takes a library of another origin",
        evidence=(_one_line(failed), *_whole_line(context)),
        remedy=Remedy(
            text="look at what is loaded from outside the environment (LD_PRELOAD, PATH on Windows, a folder in "
            "/etc/ld.so.conf.d) and take it out; if all of it is torch's own, its download is damaged: install it once "
            "more with --no-cache-dir",
            where="look at what is loaded from outside the environment",
            command=f"LD_DEBUG=libs {python} -c 'import torch' 2>&1 | grep 'calling init'" if context.is_linux else "",
        ),
    )


def cuda_libraries_broken(context: Context) -> Iterator[Finding]:
    """The libraries that torch needs are missing, damaged or of other versions."""
    other = context.error_line("cuDNN version incompatibility", "Could not load library libcudnn")
    if context.environment is None and not context.run:
        return
    if (context.computes and not other) or other_cudnn(context):
        return
    evidence = [*_not_loaded(context, other), *_faults(context)]
    if evidence:
        yield Finding(
            title="libraries that torch needs are missing or don't fit",
            evidence=tuple(dict.fromkeys(evidence))[:8],
            remedy=REINSTALL,
        )


def _not_loaded(context: Context, other: str) -> Iterator[str]:
    """What torch says of a library, else that its import ended in a crash."""
    failed = _import_error(context)
    devices = context.run.devices if context.run else ()
    failure = "" if _NO_COMMIT in context.run_failure else context.run_failure
    later = (*(device.convolution_error or "" for device in devices), failure)
    found = [
        *(failed for word in _LIBRARY_WORDS if word in failed),
        *(text for text in later for word in _NOT_LOADED if word in text),
        *filter(None, [other]),
    ]
    if found:
        yield _one_line(found[0])
    elif failure and context.run and context.run.outcome is RunOutcome.CRASHED and context.run.is_importing:
        yield f"importing torch: {failure}"


def torch_import_failed(context: Context) -> Iterator[Finding]:
    """torch can't be imported, and no library of CUDA's is named."""
    failed = _import_error(context)
    known = ("No module named 'torch'", "module torch is not PyTorch", *_LIBRARY_WORDS)
    if failed and not any(words in failed for words in known):
        yield Finding(
            title="torch can't be imported",
            evidence=(_one_line(failed),),
            remedy=Remedy(text="reinstall torch and everything that it requires together"),
        )


def cudnn_overlap(context: Context) -> Iterator[Finding]:
    """cuDNN for several CUDA majors unpacks into one folder: the last one wins."""
    distributions = context.environment.distributions if context.environment else ()
    found = [d for d in distributions if re.fullmatch(r"nvidia-cudnn-cu\d+", d.name)]
    if len({d.name for d in found}) > 1:
        yield Finding(
            level=Level.WARNING,
            title="cuDNN is installed for several CUDA majors, in one folder",
            evidence=tuple(f"{d.name} {d.version}" for d in found),
            remedy=Remedy(text="uninstall all of them and install torch again, which brings the right one"),
        )


def _import_error(context: Context) -> str:
    """What importing torch failed with; the libraries that a full commit limit names are whole."""
    failed = context.run.import_error if context.run else ""
    return "" if _NO_COMMIT in failed else failed


def _faults(context: Context) -> Iterator[str]:
    """What of torch and its libraries is missing, or not in the version that is required."""
    if context.environment is not None and context.shows(Trait.PACKAGES):
        yield from damages(context.environment)
        if context.torch_cuda:
            yield from unmet(context.environment, context.observation.system)


def _whole_line(context: Context) -> tuple[str, ...]:
    return ("nothing of torch's own is missing",) if context.shows(Trait.PACKAGES) else ()


def _is_whole(context: Context) -> bool:
    return not any(_faults(context))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
