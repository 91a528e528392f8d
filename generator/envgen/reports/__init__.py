"""Reads what people post of a machine: collect_env, nvidia-smi, package lists, tracebacks. The rest is unknown."""
