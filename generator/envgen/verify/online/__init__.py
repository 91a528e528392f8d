"""What indexes and channels say of the locks of a folder."""
