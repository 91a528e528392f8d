"""What a person can change, as was tried, when packages have no solution or clash with the build."""
