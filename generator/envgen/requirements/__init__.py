"""A person's own requirements as input: what their files ask for, and what was not taken."""
