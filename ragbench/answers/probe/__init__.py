"""Probes: questions that a RAG system must stand up to, and what counts as standing up."""
