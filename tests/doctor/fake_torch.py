"""A torch of a few lines for real environments: it says and does what `behaviour.json` beside it holds.

With it the child process, the time limit and the reading of an environment are tested as they are, in a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Any

_INIT = """
import json as _json, os as _os, sys as _sys, time as _time, warnings as _warnings
_said = _json.loads(open(_os.path.join(_os.path.dirname(__file__), "behaviour.json")).read())
if _said.get("import_error"):
    raise ImportError(_said["import_error"])
if _said.get("import_error_with", "") in _os.environ:
    raise ImportError("libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12")
if _said.get("hang"):
    _time.sleep(3600)
if _said.get("crash"):
    _os.abort()
from torch import version
__version__ = version.__version__


class _Tensor:
    def __init__(self, value, index=None): self.value, self.index = value, index
    def __mul__(self, factor): return _Tensor(self.value * factor, self.index)
    def sum(self):
        error = _said["devices"][self.index].get("error") if self.index is not None else ""
        if error:
            raise RuntimeError(error)
        return self
    def item(self): return self.value
    def cuda(self): return self


def device(kind, index): return index
def ones(*shape, device=None):
    total = 1.0
    for side in shape: total *= side
    return _Tensor(total, device)
def tensor(values): return _Tensor(0.0)


class nn:
    class functional:
        @staticmethod
        def conv2d(image, weight): return _Tensor(_said.get("convolution", 324.0), image.index)


class cuda:
    @staticmethod
    def is_available():
        if _said.get("warning"): _warnings.warn(_said["warning"])
        return bool(_said.get("devices"))
    @staticmethod
    def init():
        if _said.get("init_error"): raise RuntimeError(_said["init_error"])
    @staticmethod
    def device_count(): return len(_said["devices"])
    @staticmethod
    def get_arch_list(): return _said.get("arch_list", [])
    @staticmethod
    def get_device_name(index): return _said["devices"][index]["name"]
    @staticmethod
    def get_device_capability(index): return tuple(_said["devices"][index]["capability"])
    @staticmethod
    def synchronize(index=None): pass


class backends:
    class cudnn:
        @staticmethod
        def version():
            if _said.get("cudnn_error"): raise RuntimeError(_said["cudnn_error"])
            return _said.get("cudnn", 91002)
"""
_VISION = """
import os as _os
from torch import _said
if _said.get("vision_error"):
    raise OSError(_said["vision_error"])
if _said.get("vision_crash"):
    _os.abort()
__version__ = {version!r}
class ops:
    @staticmethod
    def nms(boxes, scores, limit):
        if _said.get("nms_error"): raise RuntimeError(_said["nms_error"])
"""


class FakeEnvironment:
    """A real virtual environment without pip, and what was put into it."""

    def __init__(self, prefix: Path) -> None:
        venv.create(prefix, with_pip=False, symlinks=os.name != "nt")
        self.prefix = prefix
        folder = "Scripts" if os.name == "nt" else "bin"
        self.python = str(prefix / folder / ("python.exe" if os.name == "nt" else "python"))
        self.site = Path(self._ask("import sysconfig; print(sysconfig.get_path('purelib'))"))

    def torch(self, version: str, cuda: str | None, *, requires: tuple[str, ...] = (), **behaviour: Any) -> None:
        """Install a torch that behaves so."""
        package = self.site / "torch"
        self.put("torch/__init__.py", _INIT)
        text = f"__version__ = {version!r}\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
        self.put("torch/version.py", "from typing import Optional\n" + text)
        (package / "behaviour.json").write_text(json.dumps(behaviour), "utf-8")
        self.dist("torch", version, files=("torch/__init__.py", "torch/version.py"), requires=requires)

    def vision(self, version: str, requires: tuple[str, ...] = ()) -> None:
        """Install a torchvision."""
        self.put("torchvision/__init__.py", _VISION.format(version=version))
        self.put("torchvision/version.py", f"__version__ = {version!r}\n")
        self.dist("torchvision", version, files=("torchvision/__init__.py",), requires=requires)

    def dist(self, name: str, version: str, *, files: tuple[str, ...] = (), requires: tuple[str, ...] = ()) -> None:
        """Record a distribution. Files that are not there yet are made, empty."""
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
        self.put(f"{info}/METADATA", metadata)
        self.put(f"{info}/INSTALLER", "pip\n")
        for path in files:
            if not (self.site / path).exists():
                self.put(path, "")
        self.put(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{info}/METADATA")))

    def put(self, path: str, text: str) -> None:
        """Write a file into the environment."""
        at = self.site / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text, "utf-8")

    def _ask(self, code: str) -> str:
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
