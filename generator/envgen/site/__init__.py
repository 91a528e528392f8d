"""The static site: the finder, a page a GPU, a page a release, and the same facts as data. Decides nothing itself."""
