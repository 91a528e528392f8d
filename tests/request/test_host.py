"""The main command without --gpu: this computer's own GPUs and driver, from constructed captures of hosts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request
from envgen.request.host import host_request
from envgen.request.requests import Requests
from envgen.resolve import resolve
from envgen.resolve.errors import NoGpuFoundError
from equipment.catalogs import known_catalog
from equipment.requests import ask
from probe.host_capture import look_at

BUILDS = known_catalog()


def base(subdir: Subdir, driver: str | None = None) -> Request:
    return replace(ask("7.5", subdir.value, driver), gpus=())


def asked(host: str, *subdirs: Subdir) -> Requests:
    seen = look_at(host)
    wanted = subdirs or (seen.system.subdir or Subdir.LINUX_64,)
    return host_request(base(wanted[0]), wanted, BUILDS, seen)


@pytest.mark.parametrize(
    ("host", "names", "driver", "pip"),
    [
        pytest.param("linux-rtx4090-570.133.20", ["GeForce RTX 4090"], "570.133.20", "2.14.1+cu126", id="rtx-4090"),
        pytest.param("linux-gtx1080ti-535.183.01", ["GeForce GTX 1080 Ti"], "535.183.01", "2.14.1+cu126", id="pascal"),
        pytest.param("linux-uv-rtx5090-580.95.05", ["GeForce RTX 5090"], "580.95.05", "2.15.0+cu132", id="rtx-5090"),
        pytest.param("linux-k80-470.256.02", ["Tesla K80"], "470.256.02", "2.3.1+cu118", id="k80"),
        pytest.param("dgx-spark-gb10-580.95.05", ["GB10"], "580.95.05", "2.15.0+cu132", id="dgx-spark"),
        pytest.param("windows-rtx4070-560.94", ["GeForce RTX 4070"], "560.94", "2.14.1+cu126", id="windows"),
        pytest.param("wsl2-rtx3080-560.94", ["GeForce RTX 3080"], "560.94", "2.14.1+cu126", id="wsl"),
    ],
)
def test_the_hosts_gpu_and_driver_decide(host: str, names: list[str], driver: str, pip: str) -> None:
    (request,) = asked(host).requests
    assert [requested.gpu.name for requested in request.gpus] == names
    assert (str(request.driver), request.driver_origin) == (driver, DriverOrigin.PROBED)
    pairing = resolve(BUILDS, request).pip
    assert pairing is not None
    assert f"{pairing.build.torch}+{pairing.build.cuda_tag}" == pip


def test_a_gpu_without_a_driver_gets_files_and_is_told_which_driver_to_install() -> None:
    found = asked("linux-gtx1650-none")
    assert found.requests[0].driver is None
    assert found.requests[0].driver_origin is DriverOrigin.ASSUMED
    texts = {notice.code: notice.text for notice in found.notices}
    assert "install the newest driver" in texts["no-driver"]


def test_an_old_gpu_without_a_driver_is_told_its_last_branch() -> None:
    texts = {notice.code: notice.text for notice in asked("linux-gtx970-nouveau").notices}
    assert "R580, the last that serves Maxwell" in texts["no-driver"]


def test_every_gpu_of_the_host_counts() -> None:
    (request,) = asked("linux-rtx3090-gt710-470.256.02").requests
    assert {str(requested.gpu.capability) for requested in request.gpus} == {"8.6", "3.5"}


def test_two_boards_of_a_model_are_one_gpu_of_the_request() -> None:
    """The system may know more of one than of the other; both are one model, which its files name once."""
    seen = look_at("linux-rtx4090-570.133.20")
    (gpu,) = seen.gpus
    seen = replace(seen, gpus=(gpu, replace(gpu, pci_id="", chip="")))
    (request,) = host_request(base(Subdir.LINUX_64), (Subdir.LINUX_64,), BUILDS, seen).requests
    assert [requested.gpu.name for requested in request.gpus] == ["GeForce RTX 4090"]


def test_the_probed_driver_is_not_another_platforms() -> None:
    requests = asked("linux-rtx4090-570.133.20", Subdir.LINUX_64, Subdir.WIN_64).requests
    assert [request.driver_origin for request in requests] == [DriverOrigin.PROBED, DriverOrigin.ASSUMED]


def test_a_driver_that_is_given_wins() -> None:
    seen = look_at("linux-rtx4090-570.133.20")
    asked_for = base(Subdir.LINUX_64, "535.54.03")
    (request,) = host_request(asked_for, (Subdir.LINUX_64,), BUILDS, seen).requests
    assert (str(request.driver), request.driver_origin) == ("535.54.03", DriverOrigin.GIVEN)


@pytest.mark.parametrize("host", ["linux-amd-rx7900xtx", "linux-intel-arc-a770"])
def test_a_host_of_another_vendor_has_no_gpu_for_cuda(host: str) -> None:
    with pytest.raises(NoGpuFoundError, match="no NVIDIA GPU was found") as caught:
        asked(host)
    assert "other display devices" in str(caught.value)
    assert "--gpu" in caught.value.hint()
