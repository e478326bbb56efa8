"""Retrievers. One file each; the file's name is the retriever's name."""
