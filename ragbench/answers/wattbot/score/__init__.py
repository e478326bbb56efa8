"""The WattBot score, computed on columns."""
