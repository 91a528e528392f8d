"""Prints what an interpreter is, as one JSON line. Runs in the examined Python (2.7 or newer), imports no torch."""

import json
import platform
import struct
import sys
import sysconfig

print(
    "envgen-doctor:"
    + json.dumps(
        {
            "version": platform.python_version(),
            "executable": sys.executable,
            "prefix": sys.prefix,
            "base_prefix": getattr(sys, "base_prefix", sys.prefix),
            "bits": struct.calcsize("P") * 8,
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "implementation": platform.python_implementation().lower(),
            "platform": sysconfig.get_platform(),
            "musl": "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""),
            "path": sys.path,
        }
    )
)
