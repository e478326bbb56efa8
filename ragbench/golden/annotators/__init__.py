"""Human review: a sample for annotators, their decisions, and the agreement of the judge with them."""
