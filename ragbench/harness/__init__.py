"""The harness: arms are run, measured and compared."""
