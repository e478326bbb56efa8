"""Many requests at once through a provider's batch API: cheaper, and done within a day."""
