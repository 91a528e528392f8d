"""What the driver and CUDA's start say has one cause each, and what it means is said; torch is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.samples import context_of, environment, host, printed, torch, unavailable
from doctor.samples_of_start import NO_DRIVER, START_SAMPLES, StartSample
from envgen.doctor.diagnose import diagnose

OF_THE_ENVIRONMENT = {"cuda-on-library-path", "wrong-environment", "numpy-broken"}


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.name) for s in START_SAMPLES])
def test_the_cause_is_found_alone_and_what_to_do_is_said(sample: StartSample) -> None:
    diagnosis = diagnose(sample.context)
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


def test_gpus_of_one_kind_are_counted() -> None:
    observation = host("linux-4xl40s-610.43.02")
    context = context_of(observation, environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0")))
    assert printed(context)[0] == "gpu     4x NVIDIA L40S; driver 610.43.02"


def test_an_answer_that_is_a_failure_is_no_skipped_source() -> None:
    for name in ("linux-8xh100-fabric-570.133.20", "linux-rtx3070-mismatch-570.86.15"):
        checks = [check.check for check in diagnose(context_of(host(name))).skipped]
        assert not {"source fabric-manager", "source nvidia-smi-q", "source nvml"} & {*checks}, name


def test_no_container_without_a_gpu_is_blamed_on_its_loader_too() -> None:
    observation = host("container-a100-550.54.15")
    bare = replace(observation, parts=replace(observation.parts, libraries=()))
    run = unavailable(NO_DRIVER, torch_version="2.7.1+cu126", cuda="12.6")
    errors = diagnose(context_of(bare, environment(torch("2.7.1+cu126", "12.6")), run)).errors
    assert [error.code for error in errors] == ["container-without-gpu"]
