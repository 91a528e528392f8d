"""Tasks that read a list which somebody publishes: drivers, toolkits, PCI ids, conda files, PyTorch's page."""
