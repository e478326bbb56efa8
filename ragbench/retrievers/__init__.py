"""Retrievers, one file each. The file's name is the retriever's name."""
