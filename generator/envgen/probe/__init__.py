"""Looks at the host, read-only and within a time limit, and says what it shows. Knows no catalog and judges nothing."""
