"""Chunkers: where to cut a document. One file each; the file's name is the chunker's name."""
