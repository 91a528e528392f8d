"""Room: lock."""
