"""What the driver and CUDA's start say has one cause each, and what it means is said; torch is left alone."""

from __future__ import annotations

import pytest

from doctor.samples import decide
from doctor.samples_of_start import START_SAMPLES, StartSample
from envgen.doctor.diagnose import diagnose

OF_THE_ENVIRONMENT = {"cuda-on-library-path", "wrong-environment", "numpy-broken"}


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.name) for s in START_SAMPLES])
def test_the_cause_is_found_alone_and_what_to_do_is_said(sample: StartSample) -> None:
    diagnosis = diagnose(sample.context, decide)
    assert [finding.code for finding in diagnosis.errors] == [sample.code]
    finding, fix = diagnosis.errors[0], diagnosis.fix
    assert sample.words in "\n".join((finding.title, *finding.evidence))
    assert fix is not None
    assert sample.remedy in "\n".join((fix.text, fix.line))
    assert "torch==" not in fix.command  # nothing that a build of torch would change


def test_codes_that_stand_in_for_a_hundred_threads_have_two_samples() -> None:
    of_code = [sample.code for sample in START_SAMPLES]
    for code in ("driver-dropped-gpu", "module-flavour", "gpu-not-started", "hmm-broken", "system-not-ready"):
        assert of_code.count(code) >= 2, code
