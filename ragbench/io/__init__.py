"""Bytes <-> core types."""
