"""Check judges and signals against answers that annotators labelled."""
