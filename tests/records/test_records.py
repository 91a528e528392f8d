"""The request line: everything that is asked for goes in and comes out again, and nothing else is read."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Machine, Request, RequestedGpu
from envgen.core.sets import PackageSet
from envgen.files.quoting import toml_value
from envgen.records.document import from_document, from_json, to_document, to_json
from envgen.records.errors import RecordError, RecordNewerError
from envgen.records.request import GpuRecord, RequestRecord
from files.hostile import ANY_TEXT


def gpu(name: str, capability: str) -> RequestedGpu:
    parsed = ComputeCapability.parse(capability)
    found = Gpu(name=name, capability=parsed, architecture="") if name else Gpu.of_capability(parsed)
    return RequestedGpu(input="as typed", gpu=found)


LAPTOP = Request(
    gpus=(gpu("GeForce MX450", "7.5"), gpu("", "8.6")),
    subdir=Subdir.WIN_64,
    python="3.12",
    driver=DriverVersion.parse("560.94"),
    driver_origin=DriverOrigin.GIVEN,
    glibc="2.28",
    torch=">=2.6,<2.9",
    cuda="cu126",
    vision=False,
    audio=True,
)
SERVER = replace(LAPTOP, subdir=Subdir.LINUX_64, gpus=LAPTOP.gpus[:1], driver=None, driver_origin=DriverOrigin.ASSUMED)
SETS = {
    Subdir.WIN_64: {PackageSet.PIP: "", PackageSet.CONDA: "no-pairing"},
    Subdir.LINUX_64: {PackageSet.PIP: "", PackageSet.CONDA: ""},
}
RECORD = RequestRecord.of([LAPTOP, SERVER], ["numpy>=2", "conda:ffmpeg", "PIP: rich"], SETS)
LINE = (
    '{"v":1,"gpus":[{"name":"GeForce MX450","capability":"7.5"},{"name":"","capability":"8.6"}],"platforms":['
    '{"subdir":"win-64","driver":"560.94","origin":"given","glibc":"",'
    '"sets":{"pip":{"state":"locked"},"conda":{"state":"none","code":"no-pairing"}}},'
    '{"subdir":"linux-64","gpus":[0],"driver":"","origin":"assumed","glibc":"2.28",'
    '"sets":{"pip":{"state":"locked"},"conda":{"state":"locked"}}}],'
    '"python":"3.12","torch":">=2.6,<2.9","cuda":"cu126","vision":false,"audio":true,'
    '"with":{"both":["numpy>=2"],"pip":["rich"],"conda":["ffmpeg"]}}'
)


def test_the_line() -> None:
    assert to_json(RECORD) == LINE
    assert from_json(LINE) == RECORD


def test_what_is_not_the_default_is_named_at_the_end() -> None:
    record = replace(RECORD, name="my-env", index_lines=False)
    assert to_json(record) == LINE[:-1] + ',"name":"my-env","index_lines":false}'
    assert from_json(to_json(record)) == record


def test_what_was_typed_and_the_glibc_of_windows_are_not_in_it() -> None:
    other = replace(LAPTOP, glibc="2.17", gpus=tuple(replace(one, input="MX450") for one in LAPTOP.gpus))
    assert RequestRecord.of([other]) == RequestRecord.of([LAPTOP])
    assert "as typed" not in LINE


def test_the_requests_come_back() -> None:
    def find(record: GpuRecord) -> Gpu:
        return Gpu(name=record.name, capability=record.capability, architecture="")

    laptop, server = RECORD.requests(find, lambda release: None)
    assert (laptop.subdir, laptop.driver) == (Subdir.WIN_64, LAPTOP.driver)
    assert (laptop.torch, laptop.vision, laptop.audio) == (">=2.6,<2.9", False, True)
    assert [one.gpu.name for one in server.gpus] == ["GeForce MX450"]
    assert (server.driver, server.driver_origin, server.glibc) == (None, DriverOrigin.ASSUMED, "2.28")


def test_each_set_has_its_own_packages_in_any_order() -> None:
    pip, conda = RECORD.asks(PackageSet.PIP), RECORD.asks(PackageSet.CONDA)
    for asks, packages in ((pip, {"numpy>=2", "rich"}), (conda, {"numpy>=2", "ffmpeg"})):
        assert {("vision", False), ("audio", True)} <= {*asks[0]}
        assert asks[1] == packages
    again = RequestRecord.of([LAPTOP, SERVER], RECORD.with_texts()[::-1])
    assert (again.asks(PackageSet.PIP), again.asks(PackageSet.CONDA)) == (pip, conda)


def test_the_states_say_what_is_locked_where() -> None:
    assert RECORD.locked(PackageSet.CONDA) == (Subdir.LINUX_64,)
    assert RECORD.states(PackageSet.CONDA) == ("no-pairing", "")


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_is_one_line_of_ascii_and_the_same_in_toml(name: str, package: str, code: str) -> None:
    request = replace(LAPTOP, gpus=(gpu(name or "x", "7.5"),), torch=package)
    record = RequestRecord.of([request], [package], {Subdir.WIN_64: {PackageSet.PIP: code}})
    line = to_json(record)
    assert line.isascii()
    assert line.isprintable()
    assert from_json(line) == record
    if not any("\ud800" <= c <= "\udfff" for c in name + package + code):
        table = "\n".join(f"{key} = {toml_value(value)}" for key, value in to_document(record).items())
        assert from_document(tomllib.loads(table)) == record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('{"v":1', '{"v":0', id="another-version"),
        pytest.param('{"v":1', '{"v":true', id="no-number"),
        pytest.param('{"v":1,', '{"v":1,"more":1,', id="another-key"),
        pytest.param('"python":"3.12",', "", id="a-key-is-missing"),
        pytest.param('"python":"3.12"', '"python":3.12', id="a-number"),
        pytest.param('"7.5"', '"7,5"', id="no-capability"),
        pytest.param('"win-64"', '"osx-64"', id="no-subdir"),
        pytest.param('"gpus":[0]', '"gpus":[7]', id="no-such-gpu"),
        pytest.param('"gpus":[0],', '"gpus":[0,1],', id="as-nobody-writes-it"),
        pytest.param('"origin":"given"', '"origin":"guessed"', id="no-origin"),
        pytest.param('"code":"no-pairing"', '"code":5', id="a-code-that-is-no-text"),
        pytest.param('"state":"none","code"', '"state":"no","code"', id="no-state"),
        pytest.param('"both"', '"world"', id="no-set"),
        pytest.param(":false", ": false", id="another-spelling"),
        pytest.param(LINE, "[" * 100_000, id="nested"),
        pytest.param(LINE, "1" * 5000, id="a-long-number"),
        pytest.param(LINE, "null", id="nothing"),
        pytest.param(LINE, "", id="empty"),
    ],
)
def test_what_envgen_does_not_write_is_no_request(old: str, new: str) -> None:
    assert old in LINE
    with pytest.raises(RecordError) as caught:
        from_json(LINE.replace(old, new, 1))
    assert not isinstance(caught.value, RecordNewerError)


def test_a_line_of_a_later_version_says_so() -> None:
    with pytest.raises(RecordNewerError, match="version is 2"):
        from_json(json.dumps({"v": 2, "machines": []}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_document_is_refused_in_one_way(document: object) -> None:
    with pytest.raises(RecordError):
        from_document(document)


def test_machines_and_jetpacks_come_back() -> None:
    old = Machine(gpus=LAPTOP.gpus[:1], driver=DriverVersion.parse("550.54.15"))
    new = Machine(gpus=LAPTOP.gpus, driver=None)
    record = RequestRecord.of([replace(SERVER, gpus=LAPTOP.gpus, machines=(old, new))])
    assert '"machines":[{"gpus":[0],"driver":"550.54.15"},{"driver":""}]' in to_json(record)
    assert from_json(to_json(record)) == record
    (request,) = record.requests(
        lambda one: Gpu(name=one.name, capability=one.capability, architecture=""), lambda _: None
    )
    assert [(len(one.gpus), one.driver) for one in request.machines] == [(1, old.driver), (2, None)]
