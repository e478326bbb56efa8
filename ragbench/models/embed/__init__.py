"""Embedders, one file each. The file's name is the embedder's name."""
