"""Statistics of online experiments: two samples of independent units, one per variant."""
