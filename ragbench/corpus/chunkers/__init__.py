"""Chunkers, one file each. The file's name is the chunker's name."""
