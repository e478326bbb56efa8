"""Embedders, rerankers and language models, each kind behind one contract."""
