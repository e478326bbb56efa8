"""Prompts of the retrievers that let a language model rewrite queries. One file each."""
