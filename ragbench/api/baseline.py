"""``rb.baseline``: store, list and show the runs that a gate compares later ones with."""

from ragbench.api.bind import call
from ragbench.workflows import baseline

set = call("baseline.set", baseline.SetOptions, baseline.run_set)
list = call("baseline.list", baseline.ListOptions, baseline.run_list)
show = call("baseline.show", baseline.ShowOptions, baseline.run_show)
history = call("baseline.history", baseline.HistoryOptions, baseline.run_history)
