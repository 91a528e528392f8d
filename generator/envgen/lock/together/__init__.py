"""Torch and everything that is asked for beside it, decided together."""
