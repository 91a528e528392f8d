"""One module a file format: its names, its set, its text from a lock, its content from a text, how to use it."""
