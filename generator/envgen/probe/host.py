"""What the running process knows by itself: the only place that asks `platform`, `sys` and `os.environ`."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostValues:
    """Values of the running process. `system` is `platform.system()`'s word, `libc` is (name, version).

    `is_free_threaded` and `bits` speak of the running interpreter.
    """

    system: str
    machine: str
    kernel: str
    environ: Mapping[str, str]
    executable: str
    prefix: str
    base_prefix: str
    python: str
    home: str
    libc: tuple[str, str] = ("", "")
    implementation: str = "cpython"
    bits: int = 64
    is_free_threaded: bool = False


def host_values() -> HostValues:
    """Return the values of this process on this host."""
    import os
    import platform
    import struct
    import sys
    import sysconfig
    from pathlib import Path

    return HostValues(
        system=platform.system(),
        machine=platform.machine(),
        kernel=platform.release(),
        environ=dict(os.environ),
        executable=sys.executable,
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        python=platform.python_version(),
        home=str(Path("~").expanduser()),
        libc=_libc(),
        implementation=sys.implementation.name,
        bits=struct.calcsize("P") * 8,
        is_free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )


def _libc() -> tuple[str, str]:
    """The C library of this interpreter: `platform.libc_ver` calls musl nothing, so its loader is looked for."""
    import os
    import sys
    import sysconfig

    if sys.platform == "win32":
        return "", ""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        name, version = "", ""
    if name:
        return name, version
    return ("musl", "") if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "") else ("", "")
