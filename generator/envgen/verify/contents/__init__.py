"""What the packages of a lock hold: who owns a file, which CUDA is loaded, what is a source."""
