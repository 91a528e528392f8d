"""A folder that a run writes to: what is in it, what would change, and writing that is whole or not at all."""
