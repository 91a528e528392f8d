"""The hook for other people's repositories: it takes the files that `envgen audit` reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        pytest.param("requirements.txt", True, id="requirements"),
        pytest.param("docker/requirements-gpu.in", True, id="requirements-in-a-folder"),
        pytest.param("uv.lock", True, id="uv"),
        pytest.param("pylock.gpu.toml", True, id="pylock-with-a-name"),
        pytest.param("environment-linux-64.yml", True, id="environment"),
        pytest.param("conda-linux-64.lock", True, id="explicit"),
        pytest.param("docker/Dockerfile.gpu", True, id="dockerfile-with-a-suffix"),
        pytest.param("api.Dockerfile", True, id="dockerfile-with-a-prefix"),
        pytest.param("package-lock.json", False, id="npm"),
        pytest.param("Cargo.lock", False, id="cargo"),
        pytest.param("docker-compose.yml", False, id="compose"),
        pytest.param("src/uv.lock.py", False, id="a-program"),
    ],
)
def test_the_hook_is_asked_for_the_right_files(name: str, taken: bool) -> None:
    [hook] = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert bool(re.search(hook["files"], name)) is taken
    assert hook["entry"] == "envgen audit"
