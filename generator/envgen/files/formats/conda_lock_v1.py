"""conda-lock.yml, format version 1, as conda-lock writes it and with its hashes, so that conda-lock agrees.

`conda_lock` is imported only for forms that are not plain (it costs half a second).
"""

from __future__ import annotations

import importlib
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from envgen.core.locks import CondaLock, CondaPackage
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.stop import unstopped
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside, FileFormat, Use
from envgen.files.formats.conda_lock_hash import is_plain_channel, plain_constraints, plain_hashes
from envgen.files.formats.environment_yml import ENVIRONMENT_YML
from envgen.files.formats.virtual_packages import VIRTUAL_PACKAGES
from envgen.files.yaml_reader import read_yaml
from envgen.solve.conda.source import CHANNEL_SITE

_MD5, _SHA256 = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")

if TYPE_CHECKING:
    from conda_lock.virtual_package import FakeRepoData


def _write(locks: Sequence[CondaLock], beside: Beside) -> str:
    """The text for all `locks`, which share their channels: what conda-lock's own writer makes of the same packages.

    The content hashes are conda-lock's for the very texts beside it; the environment file is named as the source.
    """
    import yaml

    names = (ENVIRONMENT_YML.name(locks[0].subdir, many=many) for many in (True, False))
    source = next(name for name in names if name in beside.bodies)
    hashes = content_hashes(beside.bodies[source], beside.bodies[VIRTUAL_PACKAGES.one])
    subdirs = sorted(lock.subdir.value for lock in locks)
    rows = [_row(package, lock.subdir) for lock in locks for package in lock.packages if package.name[:2] != "__"]
    document = {
        "version": 1,
        "metadata": {
            "content_hash": {subdir: hashes[subdir] for subdir in subdirs},
            "channels": [_channel(channel) for channel in locks[0].channels],
            "platforms": subdirs,
            "sources": [source],
        },
        "package": sorted(rows, key=lambda row: (row["name"], row["platform"])),
    }
    # By libyaml where there is one: the text is the same, in a tenth of the time.
    return str(yaml.dump(document, Dumper=getattr(yaml, "CDumper", yaml.Dumper), sort_keys=False))


def _row(package: CondaPackage, subdir: Subdir) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "manager": "conda",
        "platform": subdir.value,
        "dependencies": dict(sorted(constraints_of(package.depends).items())),
        "url": package.url,
        "hash": {"md5": package.md5, "sha256": package.sha256},
        "category": "main",
        "optional": False,
    }


def _channel(channel: str) -> dict[str, Any]:
    """A channel as conda-lock states it, which names the variables that a login of an address is in."""
    if is_plain_channel(channel):
        return {"url": channel, "used_env_vars": []}
    load_conda_lock_package()
    from conda_lock.models.channel import Channel

    found = Channel.from_string(channel)
    return {"url": found.url, "used_env_vars": list(found.used_env_vars)}


def load_conda_lock_package() -> None:
    """Import what is used of conda_lock, without what 4.0.3 warns of while it loads (its own vendored conda).

    It takes longer than many a solve.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in ("content_hash", "interfaces.vendored_conda", "src_parser", "virtual_package"):
            importlib.import_module(f"conda_lock.{module}")


@lru_cache(maxsize=4)  # a file that is verified is also written again, from the same two texts
def content_hashes(environment_yml: str, virtual_packages_yml: str) -> Mapping[str, str]:
    """Subdir -> content hash, as `conda-lock lock --check-input-hash` computes it for these two files.

    Raises: LockFormatError when conda-lock can't read them.
    """
    import yaml

    claims = VIRTUAL_PACKAGES.read(virtual_packages_yml, VIRTUAL_PACKAGES.one)
    plain = plain_hashes(environment_yml, claims)
    if plain is not None:
        return plain
    load_conda_lock_package()
    from conda_lock.content_hash import compute_content_hashes
    from conda_lock.src_parser import make_lock_spec

    with unstopped(), tempfile.TemporaryDirectory(prefix="envgen-") as folder:
        environment, names = Path(folder, ENVIRONMENT_YML.one), Path(folder, "names.json")
        environment.write_text(environment_yml, encoding="utf-8")
        # A pip-to-conda name map: never needed without a pip section, but conda-lock would download its own.
        names.write_text("{}", encoding="utf-8")
        try:
            spec = make_lock_spec(src_files=[environment], mapping_url=names.as_uri())
            return dict(compute_content_hashes(spec, _claims_repodata(claims)))
        except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            raise LockFormatError(origin=ENVIRONMENT_YML.one, reason=f"conda-lock can't read it ({error})") from error


def _claims_repodata(claims: Mapping[str, Mapping[str, str]]) -> FakeRepoData:
    """What conda-lock makes of virtual-packages.yml before it hashes it, in memory alone.

    Its own virtual_package_repo_from_specification (4.0.3) writes a channel into a folder that stays until the process
    has ended by itself, and into any other folder that the file calls a subdir.
    """
    from conda_lock.virtual_package import FakeRepoData, VirtualPackage

    repodata = FakeRepoData(base_path=Path())
    for subdir, packages in {"noarch": {}, **claims}.items():
        parts = [(name, *value.partition(" ")) for name, value in packages.items()]
        made = [VirtualPackage(name=name, version=version, build_string=build) for name, version, _, build in parts]
        entries = dict(package.to_repodata_entry(subdir=subdir) for package in made)
        repodata.all_repodata[subdir] = {"info": {"subdir": subdir}, "packages": entries}
    return repodata


@lru_cache(maxsize=4)
def _document(text: str) -> Any:  # noqa: ANN401 -- what a YAML text holds
    """What a conda-lock.yml holds, to be read only: verify asks for it in several ways."""
    return read_yaml(text)


def stated_hashes(text: str) -> dict[str, str]:
    """Subdir -> the content hash that a conda-lock.yml states; empty when it states none."""
    stated = _document(text)["metadata"].get("content_hash")
    return {str(subdir): str(digest) for subdir, digest in stated.items()} if isinstance(stated, dict) else {}


def constraints_of(depends: Sequence[str]) -> dict[str, str]:
    """Name -> version constraint of a package's depends, by conda-lock's rule: no build strings, one entry a name.

    `__glibc` and the like are kept (conda_lock.conda_solver.solve_conda, 4.0.3).
    """
    plain = plain_constraints(depends)
    if plain is not None:
        return plain
    load_conda_lock_package()
    from conda_lock.interfaces.vendored_conda import MatchSpec

    specs: dict[str, list[Any]] = {}
    for text in depends:
        spec = MatchSpec(text)
        specs.setdefault(spec.name, []).append(spec)
    merged = {n: found[0] if len(found) == 1 else MatchSpec.merge(found)[0] for n, found in specs.items()}
    return {n: spec.version.spec_str if spec.version is not None else "" for n, spec in merged.items()}


def _read(text: str, origin: str) -> list[CondaLock]:
    """The lock of each platform in a conda-lock.yml, sorted by subdir.

    The format holds no build string, build number, channel of a package, `constrains`, specs or virtual packages. The
    first three are read from the URL and the build string's last part; `constrains`, specs and virtual packages are
    empty (the latter two are in environment.yml and virtual-packages.yml); `depends` lack build strings.

    Raises: LockFormatError.
    """
    import yaml

    try:
        document = _document(text)
        if document["version"] != 1 or isinstance(document["version"], bool):
            raise LockFormatError(origin=origin, reason=f"its format version is {document['version']!r}, not 1")
        channels = tuple(str(channel["url"]) for channel in document["metadata"]["channels"])
        subdirs = [Subdir(platform) for platform in document["metadata"]["platforms"]]
        rows = document["package"]
        for row in rows:
            _check_row(row, subdirs)
        return [_lock(subdir, channels, rows) for subdir in sorted(subdirs)]
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise LockFormatError(origin=origin, reason=f"it is not a conda-lock file of version 1 ({error})") from error


def _check_row(row: dict[str, Any], subdirs: Sequence[Subdir]) -> None:
    """Raise ValueError for a row that no lock of ours has: it would be dropped without a word."""
    if row["manager"] != "conda" or row["platform"] not in subdirs:
        raise ValueError(f"{row['name']} is a {row['manager']} package for {row['platform']}")


def _lock(subdir: Subdir, channels: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> CondaLock:
    packages = sorted((_package(row) for row in rows if row["platform"] == subdir.value), key=lambda p: p.name)
    return CondaLock(subdir=subdir, channels=channels, specs=(), virtual_packages={}, packages=tuple(packages))


def _package(row: dict[str, Any]) -> CondaPackage:
    texts = (*(row[key] for key in ("name", "version", "url")), *row["dependencies"].values())
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"a name, version, URL or constraint of {row['name']!r} is not a text")
    for digest, form in ((row["hash"]["md5"], _MD5), (row["hash"]["sha256"], _SHA256)):
        if not form.fullmatch(digest):
            raise ValueError(f"{digest!r} is no hash of {row['name']}")
    place, filename = PurePosixPath(urlsplit(row["url"]).path).parent, unquote(row["url"].rpartition("/")[2])
    name, version, stem = row["name"], row["version"], filename.removesuffix(".conda").removesuffix(".tar.bz2")
    build = stem.removeprefix(f"{name}-{version}-")
    if build == stem:
        raise ValueError(f"{filename} is not a file of {name} {version}")
    number = build.rpartition("_")[2]
    channel = row["url"].removeprefix(CHANNEL_SITE).rsplit("/", 2)[0].strip("/")
    return CondaPackage(
        name=name,
        version=version,
        build=build,
        build_number=int(number) if number.isdecimal() else 0,
        channel=channel,
        subdir=place.name,
        url=row["url"],
        md5=row["hash"]["md5"],
        sha256=row["hash"]["sha256"],
        depends=tuple(f"{n} {v} *" if v else n for n, v in row["dependencies"].items()),
    )


def _use(use: Use) -> Iterator[str]:
    yield f"use: conda-lock install --name {use.environment} {use.file}"


CONDA_LOCK = FileFormat(
    set=PackageSet.CONDA,
    required=True,
    one="conda-lock.yml",
    each="{subdir}.conda-lock.yml",
    write=_write,
    read=_read,
    use=_use,
)
