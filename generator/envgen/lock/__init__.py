"""Decides which lock each set of a request gets: the folder's own, a shipped one, a solved one, or a fallback."""
