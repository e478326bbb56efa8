"""A/B tests: events of an experiment, or two evaluation runs, to a recommendation."""
