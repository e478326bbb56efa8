"""Make and score the answers of RAG systems."""
