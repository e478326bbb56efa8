"""Statistics as functions on arrays: intervals and paired tests that respect clusters."""
