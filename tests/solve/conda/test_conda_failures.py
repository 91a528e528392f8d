"""py-rattler's error texts, as version 0.28.0 wrote them, and what they are taken to mean."""

from __future__ import annotations

import pytest

from envgen.solve.conda.failures import (
    ChannelFailure,
    channel_failure,
    failing_url,
    reason_of,
    refuses_shards,
    solver_tree,
)

HOST = "http://127.0.0.1:37197/conda-forge"
INDEX = f"{HOST}/linux-64/repodata_shards.msgpack.zst"
REFUSED = f"""Request failed after 3 retries
Caused by: error sending request for url ({INDEX})
Caused by: client error (Connect)
Caused by: tcp connect error
Caused by: Connection refused (os error 111)"""
NO_NAME = """Request failed after 3 retries
Caused by: error sending request for url (http://no-such-host.invalid/conda-forge/linux-64/x.zst)
Caused by: client error (Connect)
Caused by: dns error
Caused by: error resolving DNS
Caused by: failed to lookup address information: Name or service not known"""
CUT = """failed to download https://conda.anaconda.org/conda-forge/noarch/repodata.json.zst
Caused by: error decoding response body
Caused by: error reading a body from connection
Caused by: end of file before message length reached"""
NOT_ZSTD = f"""failed to decode zstd shard from '{INDEX}' (6 bytes received). \
The server may have returned invalid or truncated data.
Caused by: Unknown frame descriptor"""
NO_CHANNEL = f"""could not find subdir 'noarch' in channel 'https://conda.anaconda.org/conda-forge/'
Caused by: HTTP status client error (404 Not Found) for url ({HOST}/noarch/repodata.json)"""
FORBIDDEN = f"HTTP status client error (403 Forbidden) for url ({INDEX})"
NO_CACHE = "no usable repodata cache for https://conda.anaconda.org/conda-forge/noarch/"


@pytest.mark.parametrize(
    ("text", "kind", "url", "reason"),
    [
        pytest.param(REFUSED, "unreachable", INDEX, "Connection refused (os error 111)", id="refused"),
        pytest.param(
            NO_NAME,
            "unreachable",
            "http://no-such-host.invalid/conda-forge/linux-64/x.zst",
            "failed to lookup address information: Name or service not known",
            id="no-such-host",
        ),
        pytest.param(FORBIDDEN, "unreachable", INDEX, "HTTP status client error (403 Forbidden)", id="forbidden"),
        pytest.param(
            FORBIDDEN.replace("client error (403 Forbidden)", "server error (503 Service Unavailable)"),
            "unreachable",
            INDEX,
            "HTTP status server error (503 Service Unavailable)",
            id="unavailable",
        ),
        pytest.param(
            NO_CACHE,
            "unreachable",
            "https://conda.anaconda.org/conda-forge/noarch/",
            "no usable repodata cache for",
            id="offline-without-cache",
        ),
        pytest.param(
            CUT,
            "truncated",
            "https://conda.anaconda.org/conda-forge/noarch/repodata.json.zst",
            "end of file before message length reached",
            id="broken-off",
        ),
        pytest.param(NOT_ZSTD, "bad-data", INDEX, "Unknown frame descriptor", id="not-zstandard"),
        pytest.param(
            NO_CHANNEL,
            "bad-data",
            f"{HOST}/noarch/repodata.json",
            "HTTP status client error (404 Not Found)",
            id="no-such-channel",
        ),
        pytest.param(
            "failed to parse repodata.json\nCaused by: EOF while parsing a string at line 1 column 100000",
            "bad-data",
            "",
            "EOF while parsing a string at line 1 column 100000",
            id="half-a-json",
        ),
        pytest.param("something never seen", "bad-data", "", "something never seen", id="unknown-never-falls-back"),
        pytest.param("", "bad-data", "", "no reason was given", id="empty"),
    ],
)
def test_channel_failures(text: str, kind: str, url: str, reason: str) -> None:
    assert (channel_failure(text), failing_url(text), reason_of(text)) == (ChannelFailure(kind), url, reason)


@pytest.mark.parametrize(
    ("text", "expected"), [(FORBIDDEN, True), (REFUSED, False), (FORBIDDEN.replace("_shards", ""), False)]
)
def test_only_a_refused_shard_index_means_that_there_may_be_none(text: str, expected: bool) -> None:
    assert refuses_shards(text) is expected


def test_a_short_explanation_is_kept_whole() -> None:
    text = (
        "Cannot solve the request because of: pytorch ==2.10.0 cuda129* cannot be installed because there are no viable"
        " options:\n└─ pytorch 2.10.0 would require\n   └─ __cuda *, for which no candidates were found.\n"
    )
    assert solver_tree(text) == (
        "pytorch ==2.10.0 cuda129* cannot be installed because there are no viable options:",
        "└─ pytorch 2.10.0 would require",
        "   └─ __cuda *, for which no candidates were found.",
    )


def test_a_long_explanation_keeps_reasons_and_the_way_to_them() -> None:
    branches = [
        f"├─ pytorch {n} would require\n│  ├─ filler-{n} a\n│  └─ python {n}, for which no candidates were found."
        for n in range(30)
    ]
    lines = solver_tree("\n".join(["Cannot solve the request because of: pytorch * cannot be used:", *branches]))
    assert lines[:3] == (
        "pytorch * cannot be used:",
        "├─ pytorch 0 would require",
        "│  └─ python 0, for which no candidates were found.",
    )
    assert not any("filler" in line for line in lines)
    assert len(lines) <= 15
    assert lines[-1] == f"… and {91 - len(lines) + 1} more lines"


def test_a_long_line_is_cut() -> None:
    assert solver_tree("x" * 1000) == ("x" * 199 + "…",)
