"""A/B tests: a recommendation from the events of an experiment, or from two evaluation runs."""
