"""Room: facts."""
