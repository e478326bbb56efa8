"""Readers and writers: files to core types, and back."""
