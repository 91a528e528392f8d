"""The command line: reads options, calls the rooms below, prints answers and errors, and picks the exit status."""
