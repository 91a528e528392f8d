"""Wheels of the fake torch and torchvision, so that pip installs an environment from its lock without a network."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from smoke.host import FAKES


def build_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> tuple[Path, str]:
    """Write a wheel and return (its path, its sha256)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, data in {**files, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(inside, data)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def write_lock(folder: Path, wheels: Path, *, torch: str, torchvision: str) -> None:
    """Replace the lock in an environment folder by one that pip can install from a folder of fake wheels."""
    top = {path.name: path.read_bytes() for path in (FAKES / "scenario.py", FAKES / "sitecustomize.py")}
    fakes = {
        name: {f"{name}/__init__.py": (FAKES / name / "__init__.py").read_bytes()} for name in ("torch", "torchvision")
    }
    lines = ["--no-index", f"--find-links {wheels.as_uri()}", ""]
    for name, version, files in (
        ("torch", torch, fakes["torch"] | top),
        ("torchvision", torchvision, fakes["torchvision"]),
    ):
        _, sha256 = build_wheel(wheels, name, version, files)
        lines.append(f"{name}=={version} --hash=sha256:{sha256}")
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
