"""Cross-checks the files of an environment: with each other, with the catalog, and with the indexes and channels."""
