"""The native judge: statements of a text, and a verdict per statement and source."""
