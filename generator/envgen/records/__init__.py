"""The request as data: what a header and pylock.toml state of it, written and read back exactly. No prose is parsed."""
