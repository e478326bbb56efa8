"""Metrics of answers, one file each. The file's name is the metric's name."""
