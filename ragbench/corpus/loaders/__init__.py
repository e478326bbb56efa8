"""Loaders: bytes on disk -> documents. One file each; the file's name is the loader's name."""
