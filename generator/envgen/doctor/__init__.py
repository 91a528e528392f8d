"""Room: doctor."""
