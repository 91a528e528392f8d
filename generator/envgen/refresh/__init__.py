"""Room: refresh."""
