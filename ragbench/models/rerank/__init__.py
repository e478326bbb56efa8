"""Rerankers, one file each. The file's name is the reranker's name."""
