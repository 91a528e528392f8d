"""What can keep CUDA from working: a table of causes, and for each a check of a host, an environment and its torch."""
