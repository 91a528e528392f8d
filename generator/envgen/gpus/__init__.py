"""The GPUs: their names, how a name is read, and what else a name could be."""
