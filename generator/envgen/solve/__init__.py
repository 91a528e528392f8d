"""Asks the solvers: py-rattler for conda, uv for pip. What is asked of them, and what comes back as a lock."""
