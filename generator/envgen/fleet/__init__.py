"""A list of machines: the fewest targets that serve all of them, who is left out, and what an update would save."""
