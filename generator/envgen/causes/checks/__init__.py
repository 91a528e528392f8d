"""The checks: each module holds those of one layer, each check is a function from a context to its findings."""
