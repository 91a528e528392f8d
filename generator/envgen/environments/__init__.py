"""Looks at an installed Python environment: which interpreter, which packages, what its torch says. Judges nothing."""
