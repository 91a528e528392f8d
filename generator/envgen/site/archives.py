"""A shipped lock as one zip, with the smoke test and what to type; the same bytes at every build."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.files.commands import conda_command, pip_command, venv_command, venv_python
from envgen.files.registry import PYLOCK, SMOKE_TEST, installed_file
from envgen.files.templates import read_template

_DAY = (1980, 1, 1, 0, 0, 0)


def archive(lock: Shipped, files: Mapping[str, str]) -> bytes:
    """The zip of a lock: one folder with its files, the smoke test and `README.txt`."""
    folder = lock.folder.name
    smoke = SMOKE_TEST.name(lock.subdir, many=False)
    texts = {**files, smoke: read_template(smoke), "README.txt": _readme(lock)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in sorted(texts.items()):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, text)
    return out.getvalue()


def _readme(lock: Shipped) -> str:
    installed = installed_file(lock.package_set, lock.subdir, many=False)
    smoke = SMOKE_TEST.name(lock.subdir, many=False)
    if lock.package_set is PackageSet.PIP:
        python = venv_python(lock.subdir)
        lines = [venv_command(lock.subdir, lock.python), pip_command(lock.subdir, installed)]
        test = f"{python} {smoke}"
    else:
        lines = [conda_command(installed, "envgen"), "conda activate envgen"]
        test = f"python {smoke}"
    return "\n".join(["In this folder:", "", *(f"    {line}" for line in (*lines, test)), ""])


def download_size(lock: Shipped, files: Mapping[str, str]) -> int:
    """What installing a pip lock downloads, in bytes; 0 where the files don't state it of each wheel."""
    import tomllib

    if lock.package_set is not PackageSet.PIP:
        return 0
    packages = tomllib.loads(files[PYLOCK.name(lock.subdir, many=False)]).get("packages", [])
    sizes = [wheel.get("size", 0) for package in packages for wheel in package.get("wheels", [])]
    return sum(sizes) if all(sizes) else 0
