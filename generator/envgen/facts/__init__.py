"""The facts about builds, GPUs, drivers and libraries: tables with their sources, and the catalog read of them."""
