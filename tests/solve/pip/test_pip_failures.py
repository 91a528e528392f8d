"""Each way in which an index can fail has its error: only an unreachable one is a reason to fall back."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.core.errors import EnvgenError, UsageError
from envgen.core.platforms import Subdir
from envgen.core.sites import PYPI
from envgen.net.deadline import Retry
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import Site
from envgen.solve.errors import SolveFailedError, WheelHashError, WheelMissingError
from envgen.solve.pip.answer import failure
from envgen.solve.pip.uv import UvRequest
from equipment.pip_world import CP, QUICK, TAG, TORCH, Solve, query, torch_wheels
from equipment.wheel_index import Fault, ServedWheel, WheelIndex, make_wheel

PAGE = f"/whl/{TAG}/torch/"
PIP_PAGE = "/simple/filelock/"
FILE = f"torch-{TORCH}+{TAG}-{CP}-{CP}-manylinux_2_28_x86_64.whl"


def said(error: EnvgenError, index: WheelIndex) -> list[str]:
    """The lines of an error with the index's address taken out."""
    return [line.strip() for line in str(error).replace(index.url(), "INDEX").splitlines()]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(
            Fault(status=401), "HTTP status 401 (it wants a login)", id="login wanted", marks=pytest.mark.proof
        ),
        # download.pytorch.org answers 403 for a path that does not exist, a company's proxy for one that it blocks.
        pytest.param(Fault(status=403), "HTTP status 403 (it refuses access)", id="forbidden"),
        pytest.param(Fault(status=429, retry_after="1"), "HTTP status 429", id="too many requests"),
        pytest.param(Fault(status=500), "HTTP status 500", id="server error"),
        pytest.param(Fault(status=503), "HTTP status 503", id="unavailable", marks=pytest.mark.proof),
        pytest.param(Fault(silence_s=30.0), "silent for 0 s", id="silence"),
    ],
)
def test_an_index_that_does_not_answer_is_unreachable(
    solve: Solve, torch_index: WheelIndex, fault: Fault, reason: str
) -> None:
    torch_index.faults[PAGE] = fault
    with pytest.raises(UnreachableError) as caught:
        solve(retry=Retry(attempts=1, pause_s=0.0, silence_s=0.2))
    assert said(caught.value, torch_index) == [
        f"no answer from INDEX{PAGE} [index-unreachable]",
        reason,
        "hint: check the network, or name a mirror that can be reached",
    ]
    assert caught.value.exit_code == 5


def test_nobody_listens(solve: Solve) -> None:
    with WheelIndex(wheels={}).running() as gone:
        url = gone.url("/whl")
    with pytest.raises(UnreachableError, match="Connection refused"):
        solve(wheel_mirror=url)


def test_an_index_that_recovers_is_asked_again(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.faults[PAGE] = Fault(status=503, times=2)
    assert solve(retry=Retry(attempts=3, pause_s=0.0)).version_of("torch") == f"{TORCH}+{TAG}"


def test_the_number_of_tries_is_said(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.faults[PAGE] = Fault(status=502)
    with pytest.raises(UnreachableError, match=r"HTTP status 502 \(3 tries\)"):
        solve(retry=Retry(attempts=3, pause_s=0.0))
    assert torch_index.requests.count(PAGE) == 3


def test_the_time_limit_ends_a_wait_that_the_server_asks_for(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.faults[PAGE] = Fault(status=429, retry_after="3600")
    with pytest.raises(UnreachableError, match="HTTP status 429"):
        solve(retry=Retry(attempts=9), timeout_s=30.0)
    assert torch_index.requests.count(PAGE) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(cut=200), "200 of", id="truncated"),
        pytest.param(
            Fault(body=b'<html><body><a href="torch-1-py3-none-any.whl">to', content_type="text/html"),
            "the HTML page ends in the middle",
            id="HTML that stops in a link",
        ),
        pytest.param(
            Fault(body=b"<html><body><h1>Please log in</h1></body></html>", content_type="text/html"),
            "no link on it: not an index page (text/html)",
            id="some other page",
        ),
        pytest.param(
            Fault(body=b'{"files": [{"url": "a.whl"', content_type="application/vnd.pypi.simple.v1+json"),
            "not readable as JSON",
            id="JSON that stops",
        ),
        pytest.param(
            Fault(body=b"[]", content_type="application/json"), "must hold a list", id="JSON of something else"
        ),
        pytest.param(
            Fault(body=f'{{"files": [{{"url": "{FILE}", "hashes": {{"sha256": "zz"}}}}]}}'.encode()),
            "is not 64 hex digits",
            id="a hash that is none",
        ),
    ],
)
def test_wrong_bytes_are_bad_data(solve: Solve, torch_index: WheelIndex, fault: Fault, reason: str) -> None:
    torch_index.faults[PAGE] = fault
    with pytest.raises(SourceDataError) as caught:
        solve()
    lines = said(caught.value, torch_index)
    assert lines[0] == f"INDEX{PAGE} served something that cannot be used [index-data]"
    assert reason in lines[1]
    assert not isinstance(caught.value, UnreachableError)


def test_a_file_without_a_hash_is_refused_before_uv_would_download_it(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.states_hashes = False
    with pytest.raises(SourceDataError) as caught:
        solve()
    assert said(caught.value, torch_index)[1:] == [
        f"no sha256 for {FILE}",
        "hint: use an index or mirror that states sha256 for its files",
    ]
    assert [path for path in torch_index.requests if path.endswith(".whl")] == []


def test_metadata_that_is_not_served_is_said(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.states_metadata = False
    told: list[str] = []
    lock = solve(progress=told.append)
    assert lock.version_of("torch") == f"{TORCH}+{TAG}"
    assert [line for line in told if "serves no metadata" in line and FILE in line] != []


def test_a_missing_page(solve: Solve, torch_index: WheelIndex) -> None:
    with pytest.raises(WheelMissingError) as caught:
        solve(wheel_mirror=torch_index.url("/elsewhere"))
    wanted = f"torch {TORCH}+{TAG} for linux-64, Python {query().python}, glibc 2.28"
    assert said(caught.value, torch_index) == [
        f"INDEX/elsewhere/{TAG}/torch/ has no wheel of {wanted} [wheel-missing]",
        "it lists no file of that release",
        "hint: check the index's URL; it has no such page",
    ]


def test_a_missing_file_names_what_exists(solve: Solve, torch_index: WheelIndex) -> None:
    wheels = [w for w in torch_wheels() if not (f"-{TORCH}+" in w.filename and "x86_64" in w.filename)]
    torch_index.wheels = {f"/whl/{TAG}": wheels}
    with pytest.raises(WheelMissingError) as caught:
        solve()
    arm, windows = (f"torch-{TORCH}+{TAG}-{CP}-{CP}-{p}.whl" for p in ("manylinux_2_28_aarch64", "win_amd64"))
    assert said(caught.value, torch_index)[1] == f"it has: {arm}, {windows}"


def test_a_missing_release_names_the_newest_ones(solve: Solve, torch_index: WheelIndex) -> None:
    with pytest.raises(WheelMissingError) as caught:
        solve(query(torch="2.101.0"))
    assert said(caught.value, torch_index)[-1] == f"hint: it lists torch 2.98.0+{TAG}, {TORCH}+{TAG}"


def test_another_cuda_tags_file_is_not_taken(solve: Solve, torch_index: WheelIndex) -> None:
    """An unknown cuXYZ can serve a generic listing of other builds (astral-sh/uv#21642)."""
    torch_index.wheels = {"/whl/cu999": torch_wheels()}
    with pytest.raises(WheelMissingError, match=r"has no wheel of torch 2\.99\.0\+cu999"):
        solve(query(cuda_tag="cu999"))


def test_a_known_file_with_another_hash(solve: Solve, torch_index: WheelIndex) -> None:
    """The sha256 is in lock files of birdhackor/tiny-perceptron-vlm and cicorias/BuildSmallLLM."""
    filename = "torch-2.14.1+cu126-cp312-cp312-win_amd64.whl"
    right = "97e3bc87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4"
    torch_index.wheels = {"/whl/cu126": [make_wheel(filename)]}
    with pytest.raises(WheelHashError) as caught:
        solve(query(Subdir.WIN_64, python="3.12", torch="2.14.1", torchvision=""))
    assert said(caught.value, torch_index) == [
        f"{filename} has another sha256 than the known one [wheel-hash]",
        f"{right} (lock files of birdhackor/tiny-perceptron-vlm, cicorias/BuildSmallLLM)",
        f"{make_wheel(filename).sha256} (INDEX/whl/cu126/torch/)",
        "hint: don't install it before it is clear which of the two is right",
    ]
    assert caught.value.exit_code == 5


UVLOOP = """error: No solution found when resolving dependencies
  cause: Because all of:
             uvloop<=0.6.0
             uvloop>=0.6.5
          have no usable wheels and only the following versions of uvloop are available:
             uvloop<=0.6.0
             uvloop==0.6.1
             uvloop==0.6.2
             uvloop==0.6.3
             uvloop>=0.6.5
         we can conclude that all of:
             uvloop<0.6.1
             uvloop>0.6.1
          cannot be used.
         And because uvloop==0.6.1 has no wheels with a matching Python ABI tag (e.g., `cp312`)
         and envgen-request depends on uvloop, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `uvloop` because building from source is disabled for all packages
"""


def test_a_list_in_the_explanation_is_part_of_its_sentence() -> None:
    """What uv 0.13 prints of a package whose releases have no wheels (uvloop on Windows, with more of them)."""
    request = UvRequest(
        subject="uvloop",
        python="3.12",
        platform="x86_64-pc-windows-msvc",
        requirements=("uvloop",),
        constraints=(),
        torch_index=None,
        torch_names=(),
        default_index=Site.parse(PYPI),
    )
    told = failure(request, 1, UVLOOP)
    assert isinstance(told, SolveFailedError)
    first, second = told.facts()
    assert first == (
        "Because all of: uvloop<=0.6.0, uvloop>=0.6.5 have no usable wheels and only the following versions of uvloop "
        "are available: uvloop<=0.6.0, uvloop==0.6.1, uvloop==0.6.2, …, uvloop>=0.6.5, we can conclude that all of: "
        "uvloop<0.6.1, uvloop>0.6.1 cannot be used."
    )
    assert second.startswith("And because uvloop==0.6.1 has no wheels with a matching Python ABI tag (e.g., `cp312`) ")
    assert second.endswith("the request asks for uvloop, we can conclude that your requirements are unsatisfiable.")
    assert told.reason == f"{first} {second}".rstrip(".")
    assert told.lacking == ("uvloop",)


def test_a_torchvision_of_another_release_has_no_solution(solve: Solve) -> None:
    with pytest.raises(SolveFailedError) as caught:
        solve(query(torchvision="0.98.0"))
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"pip solve for torch {TORCH}+{TAG}, linux-64, Python {query().python} found no solution [solve-failed]"
    )
    explanation = " ".join(lines)
    assert f"torchvision<=0.98.0+{TAG} depends on torch==2.98.0" in explanation
    assert f"the build that was decided on has torch=={TORCH}+{TAG}" in explanation
    assert "envgen-request" not in explanation


def test_constraints_that_no_release_meets_have_no_solution(solve: Solve) -> None:
    with pytest.raises(SolveFailedError, match="nvidia-cudnn-cu12<9"):
        solve(query(constraints=("nvidia-cudnn-cu12<9",)))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(Fault(status=500), UnreachableError, id="server error"),
        pytest.param(Fault(status=403), UnreachableError, id="forbidden", marks=pytest.mark.proof),
        pytest.param(Fault(status=429), UnreachableError, id="too many requests", marks=pytest.mark.proof),
        pytest.param(
            Fault(body=b'{"files": [', content_type="application/vnd.pypi.simple.v1+json"),
            SourceDataError,
            id="JSON that stops",
        ),
        pytest.param(Fault(cut=40), SourceDataError, id="truncated"),
        pytest.param(Fault(status=404), SolveFailedError, id="no such project"),
    ],
)
def test_faults_of_pypi_meanwhile(
    solve: Solve, pypi_index: WheelIndex, tmp_path: Path, fault: Fault, kind: type[EnvgenError]
) -> None:
    pypi_index.faults[PIP_PAGE] = fault
    with pytest.raises(kind) as caught:
        solve(cache_dir=tmp_path)
    assert type(caught.value) is kind
    assert "filelock" in str(caught.value) or pypi_index.url("/simple") in str(caught.value)


def test_a_silent_pypi_ends_with_the_time_limit(solve: Solve, pypi_index: WheelIndex) -> None:
    pypi_index.faults[PIP_PAGE] = Fault(silence_s=60.0)
    with pytest.raises(UnreachableError) as caught:
        solve(timeout_s=1.0, retry=Retry(attempts=1, silence_s=60.0))
    assert "uv was not done when the time limit passed" in str(caught.value)


LOGIN_FAULTS = (
    Fault(status=401),
    Fault(status=500),
    Fault(cut=30),
    Fault(status=404),
    Fault(body=b"<html><a href='x'>"),
)


@pytest.mark.parametrize(
    ("side", "fault"),
    [
        pytest.param(side, fault, marks=() if at in (0, 1 + of, 3 + of) else pytest.mark.proof)
        for of, side in enumerate(["wheel_mirror", "pypi"])
        for at, fault in enumerate(LOGIN_FAULTS)
    ],
)
def test_a_login_is_never_shown(
    solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex, tmp_path: Path, side: str, fault: Fault
) -> None:
    index, prefix = (torch_index, "/whl") if side == "wheel_mirror" else (pypi_index, "/simple")
    index.faults[PAGE if side == "wheel_mirror" else PIP_PAGE] = fault
    told: list[str] = []
    with pytest.raises(EnvgenError) as caught:
        solve(**{side: index.url(prefix, login="mallory:hunter%402")}, progress=told.append, cache_dir=tmp_path)
    shown = [*told, str(caught.value), repr(caught.value), repr(caught.value.args), repr(caught.value.__cause__)]
    assert "hunter" not in "\n".join(shown)
    assert "mallory" not in "\n".join(shown)


@pytest.mark.parametrize(
    "bad",
    [
        "file:///srv/wheels",
        "mirror.example/whl",
        "https://me:pa/ss@mirror.example/whl",
        "https://me:p@ss:x@host:port/whl",
    ],
)
def test_a_mirror_is_an_http_url_and_a_bad_one_is_shown_without_its_login(solve: Solve, bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        solve(wheel_mirror=bad)
    assert "is not an http or https URL" in str(caught.value)
    assert "pa" not in str(caught.value).split("is not")[0]


def test_a_login_goes_to_its_own_origin_only(solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    """The page of a mirror may link to a file host that is nobody's business; that one is asked for the metadata."""
    with WheelIndex(wheels=torch_index.wheels).running() as files:
        torch_index.file_prefix = files.url(f"/whl/{TAG}")
        solve(wheel_mirror=torch_index.url("/whl", login="me:secret"))
    assert any(torch_index.logins)
    assert files.requests
    assert set(files.logins) == {""}


def test_a_redirect_takes_the_login_along_on_its_own_origin_only(solve: Solve, torch_index: WheelIndex) -> None:
    mirror = torch_index.url("/whl", login="me:secret")
    with WheelIndex(wheels=torch_index.wheels, html_only=True).running() as elsewhere:
        torch_index.faults[PAGE] = Fault(status=302, location=elsewhere.url(PAGE))
        solve(wheel_mirror=mirror)
        assert elsewhere.requests.count(PAGE) > 0
        assert set(elsewhere.logins) == {""}
    torch_index.login = ("me", "secret")
    torch_index.wheels = {**torch_index.wheels, "/moved": torch_index.wheels[f"/whl/{TAG}"]}
    torch_index.faults[PAGE] = Fault(status=302, location="/moved/torch/")
    assert solve(wheel_mirror=mirror).version_of("torch") == f"{TORCH}+{TAG}"


def test_a_file_that_changes_between_look_and_solve(solve: Solve, torch_index: WheelIndex, tmp_path: Path) -> None:
    prefix = f"/whl/{TAG}"
    swapped = [_swapped(w) for w in torch_index.wheels[prefix]]
    with WheelIndex(wheels={prefix: swapped}, html_only=True).running() as other:
        _, body = other.page(prefix, "torch", as_json=False) or ("", b"")
        # The first request sees this page, uv's own the index's.
        torch_index.faults[PAGE] = Fault(body=body, times=1)
        with pytest.raises(WheelHashError, match="the index's page, a moment ago"):
            solve(cache_dir=tmp_path, retry=QUICK)


def _swapped(wheel: ServedWheel) -> ServedWheel:
    return ServedWheel(filename=wheel.filename, sha256="0" * 64, metadata=wheel.metadata)


@pytest.mark.parametrize("body", [b"<html><body><h1>Log in</h1></body></html>", b'{"files": ['])
def test_a_page_that_is_none_is_no_project_without_versions(
    solve: Solve, pypi_index: WheelIndex, body: bytes, tmp_path: Path
) -> None:
    """uv reads such a page as one of a project that has no files, and says that there is no solution."""
    pypi_index.faults["/simple/filelock/"] = Fault(body=body)
    with pytest.raises(SourceDataError) as caught:
        solve(cache_dir=tmp_path / "uv")
    assert caught.value.url.endswith("/simple/filelock/")
