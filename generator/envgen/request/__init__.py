"""From what a person types to requests: names become GPUs, values are read, one request for each platform."""
