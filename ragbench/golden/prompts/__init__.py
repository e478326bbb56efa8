"""Prompts: what language models are asked for golden sets, one versioned object per file."""
