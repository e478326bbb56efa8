"""People in the loop: a sample to look through, their decisions read back, and how far the judge agrees with them."""
