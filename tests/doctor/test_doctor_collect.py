"""A report names nobody: not the account, not the computer, not its folders, not one particular GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doctor.samples import builds, catalog, conda, environment, host, torch, unavailable
from envgen.causes.context import Context
from envgen.doctor.collect import HEADER, Recorder, report
from envgen.doctor.diagnose import diagnose
from envgen.doctor.scrub import Identity, scrub
from envgen.probe.observation import HostGpu, InstallSetting, MigInstance
from envgen.probe.process import Command, Completed, Outcome
from equipment.examples import examples
from probe.host_capture import load

# Names that no word of ours contains, so that finding one in a report is a leak.
NAMES = st.from_regex(r"zq[a-z0-9]{2,8}([._-][a-z0-9]{1,6})?", fullmatch=True)
HOSTS = st.from_regex(r"xq[a-z0-9]{2,8}(\.xj[a-z]{2,5}\.example)?", fullmatch=True)
HOMES = st.sampled_from(
    [
        "/home/{}",
        "/Users/{}",
        "/export/home/{}",
        "C:\\Users\\{}",
        "/srv/people/{}",
        "/mnt/c/Users/{}",
        "D:\\profiles\\{}",
    ]
)
UUIDS = st.uuids().map(str)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=examples(60))
@given(user=NAMES, name=HOSTS, pattern=HOMES, uuid=UUIDS, secret=NAMES.map(lambda n: n.replace("zq", "wq")))
def test_report_names_nobody(user: str, name: str, pattern: str, uuid: str, secret: str) -> None:
    home = pattern.format(user)
    slash = "\\" if "\\" in home else "/"
    prefix = f"{home}{slash}venv"
    observation = host("linux-rtx4090-570.133.20", variables={"LD_LIBRARY_PATH": f"{home}/lib:/opt/{user}/lib"})
    gpu = replace(observation.gpus[0], uuid=f"GPU-{uuid}", mig_instances=(MigInstance(name="1g", uuid=f"MIG-{uuid}"),))
    gpus: tuple[HostGpu, ...] = (gpu,)
    url = f"https://{user}:{secret}@pypi.{name}/simple"
    diverting = InstallSetting(origin=f"{home}{slash}pip.conf", key="index-url", value=url)
    observation = replace(
        observation, gpus=gpus, settings=(diverting,), python=replace(observation.python, prefix=prefix)
    )
    inspected = environment(torch("2.8.0+cpu", None), prefix=home, executable=f"{prefix}{slash}python", path=(prefix,))
    run = unavailable(
        f"Error in {home}{slash}x.py on {name.upper()} by {user.upper()}: GPU-{uuid} mail {user}@{name}.example"
    )
    context = Context(observation=observation, builds=builds(), catalog=catalog(), environment=inspected, run=run)
    text = report(context, diagnose(context), Identity(user=user, host=name, home=home), None, "0.1.0")
    lowered = text.lower()
    for private in (user, name, home, uuid, secret, name.partition(".")[0], home.replace("\\", "\\\\")):
        assert private.lower() not in lowered
    assert text.startswith(HEADER)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/ada/venv/bin/python", "~/venv/bin/python"),
        ("/home/grace/x", "~/<path>"),
        ('C:\\Users\\Grace Hopper\\venv "x"', '~\\venv "x"'),
        ("C:\\\\Users\\\\GRACEH~1\\\\venv", "~\\\\venv"),
        ("/mnt/c/Users/grace/AppData", "~/AppData"),
        ("CUDA_VISIBLE_DEVICES=GPU-1f2e3d4c", "CUDA_VISIBLE_DEVICES=GPU-<uuid>"),
        ("MIG-0a1b2c3d-5b6c-5d7e-8f90-a1b2c3d4e5f6", "MIG-<uuid>"),
        (
            "    Serial Number                         : 1320121012345",
            "    Serial Number                         : <removed>",
        ),
        ("0::/docker/" + "a1" * 32, "0::/docker/<id>"),
        ("https://pypi.corp.example/simple", "https://<index>/simple"),
        ("https://download.pytorch.org/whl/cu126", "https://download.pytorch.org/whl/cu126"),
        ("logged in as ada on engine", "logged in as <user> on <host>"),
        ("ada_env, adamant, engines", "<user>_env, adamant, engines"),
        ("write to ada@lovelace.example", "write to <address>"),
        ("driver 570.133.20, 32.0.15.6094, sm_90", "driver 570.133.20, 32.0.15.6094, sm_90"),
    ],
)
def test_scrub(text: str, clean: str) -> None:
    assert scrub(text, Identity(user="ada", host="engine.lan", home="/home/ada")) == clean


@pytest.mark.parametrize("user", ["nvidia", "root", "ubuntu"])
def test_account_names_that_name_nobody_stay(user: str) -> None:
    assert "nvidia" in scrub("nvidia driver", Identity(user=user, host="", home=f"/home/{user}"))


def test_a_root_folder_as_home_does_not_eat_every_path() -> None:
    assert scrub("/usr/lib/x", Identity(user="", host="", home="/")) == "/usr/lib/x"


def test_report_holds_the_captures_in_the_form_of_the_tests() -> None:
    capture = load("linux-gtx1080ti-535.183.01")
    recorder = Recorder(capture.runner, capture.files)
    from envgen.probe.observe import observe

    observation = observe(runner=recorder.run, root=recorder, host=capture.host)
    assert observation == capture.observe()
    context = Context(
        observation=observation, builds=builds(), catalog=catalog(), environment=environment(torch("2.8.0+cpu", None))
    )
    text = report(context, diagnose(context), Identity(user="ada", host="engine", home="/home/ada"), recorder, "0.1.0")
    assert "==> program nvidia-smi-q (exit 0) <==" in text
    assert "==> /proc/driver/nvidia/version <==" in text
    assert "GPU-00000001-1f3a" not in text
    assert "Product Name                          : NVIDIA GeForce GTX 1080 Ti" in text


def test_other_programs_on_the_gpu_are_not_reported() -> None:
    log = (
        "GPU 00000000:01:00.0\n    Product Name                          : NVIDIA A100\n"
        "    Processes\n        GPU instance ID                   : N/A\n"
        "            Name                          : /opt/secret/trainer --customer x\n"
        "    Compute Mode                          : Default\n"
    )

    def run(command: Command, /, *, timeout_s: float) -> Completed:
        return Completed(outcome=Outcome.DONE, exit_code=0, stdout=log, elapsed_s=timeout_s / 10)

    capture = load("linux-rtx4090-570.133.20")
    recorder = Recorder(run, capture.files)
    recorder.run(Command(name="nvidia-smi-q", argv=("nvidia-smi", "-q"), limit_s=1.0), timeout_s=1.0)
    context = Context(observation=capture.observe(), builds=builds(), catalog=catalog())
    text = report(context, diagnose(context), Identity(user="", host="", home=""), recorder, "0.1.0")
    assert "NVIDIA A100" in text
    assert "trainer" not in text
    assert "Compute Mode" in text


def test_of_a_long_log_every_gpu_is_kept_and_of_the_loaders_cache_what_is_nvidias() -> None:
    gpu = (
        "GPU 00000000:0{0}:00.0\n    Product Name                          : NVIDIA A100 number {0}\n"
        "    MIG Mode\n        Current                           : Disabled\n    Clocks\n"
        + "".join(f"        Filler {n}                        : {n} MHz\n" for n in range(200))
    )
    head = "==============NVSMI LOG==============\n\nDriver Version                            : 535.183.01\n"
    log = head + "".join(gpu.format(n) for n in range(8))
    cache = "".join(f"\tlibz{n}.so.1 (libc6,x86-64) => /lib/libz{n}.so.1\n" for n in range(900))
    cache += "\tlibcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1\n"
    outputs = {"nvidia-smi-q": log, "ldconfig": cache}

    def run(command: Command, /, *, timeout_s: float) -> Completed:
        return Completed(outcome=Outcome.DONE, exit_code=0, stdout=outputs[command.name], elapsed_s=timeout_s)

    capture = load("linux-rtx4090-570.133.20")
    recorder = Recorder(run, capture.files)
    for name in outputs:
        recorder.run(Command(name=name, argv=(name,), limit_s=1.0), timeout_s=1.0)
    context = Context(observation=capture.observe(), builds=builds(), catalog=catalog())
    text = report(context, diagnose(context), Identity(), recorder, "0.1.0")
    assert all(f"NVIDIA A100 number {n}" in text for n in range(8))
    assert "libcuda.so.1 (libc6,x86-64)" in text
    assert "Driver Version                            : 535.183.01" in text
    assert "Filler" not in text
    assert "libz7" not in text
    assert "[cut]" not in text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("https://b.s3.amazonaws.com/w?X-Amz-Credential=AKIAIOSFODNN7&X-Amz-Signature=abcd12&v=1", "AKIA abcd12"),
        ("find-links = https://h/x?sig=Zm9v&token=t0psecret", "Zm9v t0psecret"),
        ("key=sk-0123456789abcdef0123", "sk- 0123456789"),
        ("export HF_TOKEN=hf_abcdefghijklmnop", "hf_"),
        ("ImportError: could not reach build-07.corp.example for its library", "build-07"),
        ("ada@engine:~$ nvidia-smi", "ada engine"),
        ("/home/ada/projects/acme-secret/.venv/bin/python", "acme projects ada"),
        ("~/work/acme/train.py", "acme"),
        ("/home/ada/miniforge3/envs/acme/lib/python3.12", "acme"),
    ],
)
def test_credentials_hosts_and_projects_are_taken_out(text: str, gone: str) -> None:
    clean = scrub(text, Identity())
    assert [word for word in gone.split() if word in clean] == []


@pytest.mark.parametrize(
    "text",
    [
        "torch.cuda.is_available() is False",
        "nvidia-cublas-cu12 12.1.3.1 and libcudnn.so.9 in /usr/lib/x86_64-linux-gnu",
        "https://download.pytorch.org/whl/cu126",
        "C:/Program Files/NVIDIA Corporation",
        "operator torchvision::nms does not exist, torchvision.io, torch.utils.data",
    ],
)
def test_what_says_something_of_the_installation_stays(text: str) -> None:
    assert scrub(text, Identity()) == text


def test_report_of_a_conda_environment_is_json_in_its_sections() -> None:
    import json
    import re

    inspected = environment(
        conda("pytorch", "2.12.0", "cpu_mkl_py312_h94e416f_100"), torch("2.12.0", None, installer="conda")
    )
    context = Context(
        observation=host("linux-rtx4090-570.133.20"), builds=builds(), catalog=catalog(), environment=inspected
    )
    text = report(context, diagnose(context), Identity(user="ada", host="engine", home="/home/ada"), None, "0.1.0")
    sections = dict(re.findall(r"## (\w+)\n\n```json\n(.*?)\n```", text, re.DOTALL))
    assert set(sections) == {"host", "environment", "torch", "findings"}
    assert json.loads(sections["environment"])["conda"][0]["build"] == "cpu_mkl_py312_h94e416f_100"
    assert json.loads(sections["findings"])["findings"][0]["code"] == "conda-cpu-build"
