"""Pure functions from the text of one source to values. No file, no process; each is tested on captures."""
