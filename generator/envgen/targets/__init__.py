"""A project's own file: its targets as the options of one run each, read with every mistake and its line."""
