"""Judges files that anybody made: will the torch that they name run on a GPU with a driver."""
