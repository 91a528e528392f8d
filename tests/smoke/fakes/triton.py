"""Fake triton: there, or not there."""

from scenario import HOST  # type: ignore[import-not-found]  # on PYTHONPATH of the run only

if not HOST["triton"]:
    raise ModuleNotFoundError("No module named 'triton'", name="triton")
