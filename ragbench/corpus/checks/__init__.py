"""Checks of a catalogue: the rows of a table against a schema."""
