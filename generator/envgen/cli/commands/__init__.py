"""The commands: one module each, which app.py imports only when it is run."""
