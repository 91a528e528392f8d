"""The pip set, solved by uv; each wheel with its hash from the index."""
