"""The WattBot score, columns at a time."""
