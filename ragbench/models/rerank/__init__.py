"""Rerankers. One file each; the file's name is the reranker's name."""
