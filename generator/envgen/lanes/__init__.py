"""The shipped locks: what is made for every lane, and how the tree of them is written."""
