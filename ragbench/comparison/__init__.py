"""Comparisons of systems that were scored on the same queries."""
