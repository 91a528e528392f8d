"""The CI matrix of a tree of locks, and the workflow that installs and proves them."""
