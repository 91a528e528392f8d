"""The programs that the probe runs, with the time each may take. All of them only read."""

from __future__ import annotations

from envgen.probe.process import Command

# Asking NVML in a child keeps a hung or crashing driver library out of this process. The child needs no envgen.
NVML = "nvml"
SMI_QUERY = "nvidia-smi-q"
SMI_CSV = "nvidia-smi-csv"
LSPCI = "lspci"
LDCONFIG = "ldconfig"
FABRIC = "fabric-manager"
FABRIC_VERSION = "fabric-manager-version"
DMESG = "dmesg"
POWERSHELL = "powershell"

# Fields of `nvidia-smi --help-query-gpu`. `compute_cap` exists from R510 on; the NVSMI log never shows it.
CSV_FIELDS = ("pci.bus_id", "pci.device_id", "name", "uuid", "memory.total", "compute_cap")

_POWERSHELL_SCRIPT = r"""
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$class = 'HKLM:\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}'
[pscustomobject]@{
  controllers = @(Get-CimInstance Win32_VideoController |
    Select-Object Name, PNPDeviceID, DriverVersion, ConfigManagerErrorCode)
  entities = @(Get-PnpDevice -Class Display | Select-Object FriendlyName, InstanceId, Status, Problem, Present)
  registry = @(Get-ItemProperty "$class\0*" | Select-Object DriverDesc, MatchingDeviceId, DriverVersion,
    @{n='MemorySize'; e={$_.'HardwareInformation.qwMemorySize'}})
  system = Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version, BuildNumber
  batteries = @(Get-CimInstance Win32_Battery | Select-Object Name).Count
} | ConvertTo-Json -Depth 4 -Compress
"""


def nvml(python: str) -> Command:
    """Ask NVML through nvidia-ml-py, in a child of this interpreter that prints JSON."""
    from pathlib import Path

    child = Path(__file__).with_name("nvml_child.py")
    return Command(name=NVML, argv=(python, "-I", str(child)), limit_s=2.0)


def smi_query(program: str) -> Command:
    """The NVSMI log: driver, CUDA version, GPUs, MIG, virtualisation, fabric."""
    return Command(name=SMI_QUERY, argv=(program, "-q"), limit_s=1.5)


def smi_csv(program: str) -> Command:
    """The selective query, for what the log lacks."""
    argv = (program, f"--query-gpu={','.join(CSV_FIELDS)}", "--format=csv,noheader,nounits")
    return Command(name=SMI_CSV, argv=argv, limit_s=1.0)


def lspci() -> Command:
    """Names, ids and kernel drivers of the PCI devices, with full addresses."""
    return Command(name=LSPCI, argv=("lspci", "-D", "-nn", "-k"), limit_s=1.0)


def ldconfig() -> Command:
    """The dynamic loader's cache. It lives in /sbin, which a user's PATH may lack."""
    return Command(name=LDCONFIG, argv=("/sbin/ldconfig", "-p"), limit_s=1.0)


def fabric_manager() -> Command:
    """The state of the service that NVSwitch hosts need."""
    return Command(name=FABRIC, argv=("systemctl", "is-active", "nvidia-fabricmanager.service"), limit_s=1.0)


def fabric_manager_version() -> Command:
    """The version of that service, which must be the driver's."""
    return Command(name=FABRIC_VERSION, argv=("nv-fabricmanager", "--version"), limit_s=1.0)


def dmesg() -> Command:
    """The kernel log, for Xid reports; often closed to users."""
    return Command(name=DMESG, argv=("dmesg",), limit_s=0.5)


def powershell(system_root: str) -> Command:
    """Display devices, their drivers and problems as Windows knows them, as JSON."""
    program = rf"{system_root}\System32\WindowsPowerShell\v1.0\powershell.exe"
    argv = (program, "-NoProfile", "-NonInteractive", "-Command", _POWERSHELL_SCRIPT)
    return Command(name=POWERSHELL, argv=argv, limit_s=4.0)
