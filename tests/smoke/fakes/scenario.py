"""The host that the fakes play, read from the environment variable FAKE_HOST (JSON); see `FakeHost` in the tests."""

from __future__ import annotations

import json
import os
from typing import Any

HOST: dict[str, Any] = json.loads(os.environ["FAKE_HOST"])
