"""Loaders read files as documents, one file each. The file's name is the loader's name."""
