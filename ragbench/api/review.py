"""``rb.review``: export a sample of a golden set for annotators, and apply their decisions."""

from ragbench.api.audits import CALLED
from ragbench.api.bind import call
from ragbench.workflows import review

export = call("review.export", review.ExportOptions, review.run_export, called=CALLED)
apply = call("review.apply", review.ApplyOptions, review.run_apply, called=CALLED)
