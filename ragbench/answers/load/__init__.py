"""Load tests of a RAG service: closed and open loops, bounded in count and time."""
