"""Value types, version helpers and errors. Imports no other room."""
