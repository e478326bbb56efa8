"""Embedders. One file each; the file's name is the embedder's name."""
