"""The types that every other package uses. This package needs only the standard library and numpy."""
