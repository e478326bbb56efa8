"""Models behind one contract each: embedders, rerankers, language models."""
