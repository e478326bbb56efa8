"""Probes: questions that test the robustness of a RAG system, and the rules for passing them."""
