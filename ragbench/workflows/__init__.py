"""Ready-made jobs and the sample data they run on."""
