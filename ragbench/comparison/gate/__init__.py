"""The gate of a pipeline: rules on a candidate, decided on intervals."""
