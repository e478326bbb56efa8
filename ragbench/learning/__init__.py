"""Training data for retrievers: labels from interaction logs, negatives, and the guard against leaks."""
