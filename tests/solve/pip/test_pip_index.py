"""Index pages as servers write them: PyPI's JSON, PyTorch's HTML, and the odd ones between."""

from __future__ import annotations

import pytest

from envgen.facts.wheels import TorchPin
from envgen.net.errors import SourceDataError
from envgen.net.fetch import Page
from envgen.net.pip_index import parse_page
from envgen.net.sites import Site, without_credentials
from envgen.solve.pip.wheels import pins_left_open

# The form of https://download.pytorch.org/whl/cu126/torch/ as pytorch/test-infra writes it (s3_management/manage.py).
PYTORCH_PAGE = """<!DOCTYPE html>
<html>
  <body>
    <h1>Links for torch</h1>
    <a href="https://download-r2.pytorch.org/whl/cu126/torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl#sha256=97E3BC87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4" data-dist-info-metadata="sha256=11" data-core-metadata="sha256=11">torch-2.14.1+cu126-cp312-cp312-win_amd64.whl</a><br/>
    <a href="/whl/cu126/torch-2.6.0%2Bcu126-cp312-cp312-linux_x86_64.whl">torch-2.6.0+cu126-cp312-cp312-linux_x86_64.whl</a><br/>
    <a href="/whl/cu126/torch-1.0.tar.gz">torch-1.0.tar.gz</a><br/>
    <a href="/whl/cu126/torchvision-0.29.1%2Bcu126-cp312-cp312-win_amd64.whl">strange</a><br/>
  </body>
</html>
<!--TIMESTAMP 1764000000-->
"""  # noqa: E501 -- a page's own lines


def page(
    body: str, content_type: str = "text/html", url: str = "https://download.pytorch.org/whl/cu126/torch/"
) -> Page:
    return Page(url=url, content_type=content_type, body=body.encode())


def test_pytorchs_html() -> None:
    project = parse_page(page(PYTORCH_PAGE), "torch")
    first, second = project.files
    assert first.name.filename == "torch-2.14.1+cu126-cp312-cp312-win_amd64.whl"
    assert first.url == "https://download-r2.pytorch.org/whl/cu126/torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl"
    assert first.sha256 == "97e3bc87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4"
    assert first.has_metadata
    assert second.url == "https://download.pytorch.org/whl/cu126/torch-2.6.0%2Bcu126-cp312-cp312-linux_x86_64.whl"
    assert (second.sha256, second.has_metadata, second.size) == ("", False, None)
    assert project.find("torchvision-0.29.1+cu126-cp312-cp312-win_amd64.whl") is None


def test_every_cut_of_the_page_is_noticed() -> None:
    """Up to the end of </html>; what follows is a comment."""
    end = PYTORCH_PAGE.index("</html>") + len("</html>")
    start = PYTORCH_PAGE.index("<html>") + len("<html>")
    for length in range(start, end):
        with pytest.raises(SourceDataError):
            parse_page(page(PYTORCH_PAGE[:length]), "torch")
    assert len(parse_page(page(PYTORCH_PAGE[:end]), "torch").files) == 2


def test_json_with_what_pypi_states() -> None:
    body = """{"meta": {"api-version": "1.4"}, "name": "torch", "files": [
      {"filename": "x", "url": "torch-2.15.0-cp312-cp312-win_amd64.whl", "hashes": {"sha256": "%s"}, "size": 5,
       "core-metadata": {"sha256": "11"}, "yanked": "broken"},
      {"url": "torch-2.14.1-cp312-cp312-win_amd64.whl", "hashes": {}, "yanked": false, "dist-info-metadata": false}
    ]}""" % ("a" * 64)
    newest, older = parse_page(page(body, "application/vnd.pypi.simple.v1+json"), "torch").files
    assert (newest.sha256, newest.size, newest.has_metadata, newest.is_yanked) == ("a" * 64, 5, True, True)
    assert (older.sha256, older.size, older.has_metadata, older.is_yanked) == ("", None, False, False)


def test_json_is_recognised_without_its_content_type() -> None:
    assert parse_page(page('{"files": []}', "text/plain"), "torch").files == ()


def test_an_empty_index_page_is_one() -> None:
    body = '<html><head><meta name="pypi:repository-version" content="1.4"></head><body></body></html>'
    assert parse_page(page(body), "torch").files == ()


@pytest.mark.parametrize("body", ["", "   ", "<html><body>Not found</body></html>", "null", '{"message": "forbidden"}'])
def test_what_is_no_index_page_is_bad_data(body: str) -> None:
    with pytest.raises(SourceDataError):
        parse_page(page(body), "torch")


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://me:secret@mirror.example:8443/whl", "https://mirror.example:8443/whl"),
        ("https://token@mirror.example/whl/a@b", "https://mirror.example/whl/a@b"),
        ("https://mirror.example/whl", "https://mirror.example/whl"),
        ("not a url", "not a url"),
    ],
)
def test_logins_are_taken_out_of_urls(url: str, clean: str) -> None:
    assert without_credentials(url) == clean


def test_a_site_keeps_its_login_apart_and_decoded() -> None:
    site = Site.parse("https://me%40corp:s%2Fcret@mirror.example/whl/?x=1#y")
    assert (site.url, site.user, site.password) == ("https://mirror.example/whl", "me@corp", "s/cret")
    assert site.below("cu126", "torch").url == "https://mirror.example/whl/cu126/torch"
    assert "cret" not in repr(site.below("cu126"))


def pin(package: str, version: str) -> TorchPin:
    return TorchPin(package=package, version=version, basis="manifest", source="a test")


def test_a_pin_gives_way_to_what_the_wheel_says_itself() -> None:
    pins = (
        pin("nvidia-cudnn-cu12", "9.10.2.21"),
        pin("cuda-bindings", "12.9.7"),
        pin("triton", "3.8.0"),
        pin("nvidia-nccl-cu12", "2.29.3"),
        pin("cuda-toolkit", "12.6.3"),
    )
    requires = (
        'nvidia-cudnn-cu12==9.10.2.22; platform_system == "Linux"',  # exact: the wheel knows better
        'cuda-bindings<13,>=12.9.8; platform_system == "Linux"',  # a range without the pin's version
        'triton~=3.8.0; platform_system == "Linux"',  # a range with it
        'nvidia-nccl-cu12; platform_system == "Linux"',  # silent
    )
    left = [p.package for p in pins_left_open(pins, requires)]
    assert left == ["triton", "nvidia-nccl-cu12", "cuda-toolkit"]
