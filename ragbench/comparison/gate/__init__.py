"""The gate of a pipeline: rules on a candidate, decided by confidence intervals."""
