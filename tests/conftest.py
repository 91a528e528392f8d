"""What every test shares: no test fails because the machine is busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("envgen", deadline=None)
settings.load_profile("envgen")
