"""What an index or mirror says of a wheel is judged before it is written."""

from __future__ import annotations

import pytest

from envgen.net.errors import SourceDataError
from envgen.net.served import check_served
from envgen.net.sites import Site

NAME = "torch-2.14.1%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"
MIRROR = Site(url="https://mirror.example/whl/cu126")


@pytest.mark.parametrize(
    "url",
    [
        f"https://mirror.example/whl/cu126/{NAME}",
        f"https://mirror.example/whl/cu126/{NAME.replace('%2B', '+')}",
        f"https://mirror.example/a%20b/{NAME}".replace("%20", "~"),
    ],
)
def test_a_true_one_passes(url: str) -> None:
    check_served(url, project="torch", version="2.14.1+cu126", mirror=MIRROR)


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/whl/cu126/{NAME}",
        f"https://mirror.example:444/whl/{NAME}",
        f"https://mirror.example/whl/../{NAME}",
        f"https://mirror.example/whl/%2e%2e/{NAME}",
        f"https://mirror.example/whl%0a--index-url/{NAME}",
        f"https://mirror.example/whl%250a/{NAME}",
        f"https://mirror.example/a b/{NAME}",
        f"https://mirror.example/whl/{NAME}?x=1",
        f"https://mirror.example/whl/{NAME}#egg=evil",
        f"https://mirror.example/whl/{NAME}%0a",
        f"https://mirror.example/whl/{NAME.replace('2.14.1', '2.14.2')}",
        f"https://mirror.example/whl/{NAME.replace('torch', 'torhc')}",
        "https://mirror.example/whl/torch-2.14.1.tar.gz",
        f"file:///whl/{NAME}",
        f"https:///{NAME}",
        f"https://[::1/{NAME}",
    ],
)
def test_another_one_is_refused(url: str) -> None:
    with pytest.raises(SourceDataError) as caught:
        check_served(url, project="torch", version="2.14.1+cu126", mirror=MIRROR)
    assert "\n" not in caught.value.reason


def test_without_a_mirror_in_the_files_the_host_is_the_index_s_own_affair() -> None:
    url = f"https://download-r2.pytorch.org/whl/cu126/{NAME}"
    check_served(url, project="torch", version="2.14.1+cu126", mirror=None)
