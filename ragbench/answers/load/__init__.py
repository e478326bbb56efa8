"""Load on a RAG service: closed and open loops, bounded in count and time, and what was measured."""
