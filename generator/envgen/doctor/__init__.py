"""Says why CUDA does not work on a host: checks over an Observation, an environment's files and a run of its torch."""
