"""Answers of RAG systems: making them, and scoring what was said."""
