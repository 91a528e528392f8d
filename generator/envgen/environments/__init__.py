"""Looks at an installed Python environment (interpreter, packages, what its torch says); writes what changes it."""
