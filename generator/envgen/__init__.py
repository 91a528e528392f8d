"""envgen: from a GPU's name to a locked, working PyTorch environment."""

__version__ = "0.1.0"
