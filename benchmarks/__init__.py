"""The numbers of this project, measured beside its peers: ``python -m benchmarks``."""
