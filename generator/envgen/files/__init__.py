"""The files that a run writes: names, texts, header, the plan of a folder, whole-or-not-at-all writing."""
