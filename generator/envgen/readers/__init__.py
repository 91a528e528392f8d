"""Reads files that anybody made: which torch they name, and from where it would come. Judges nothing."""
