"""``rb.review``: export a sample of a golden set for annotators, and apply their decisions."""

from ragbench.api.bind import call
from ragbench.api.calls import SETS
from ragbench.workflows import review

export = call("review.export", review.ExportOptions, review.run_export, called=SETS)
apply = call("review.apply", review.ApplyOptions, review.run_apply, called=SETS)
