"""Ragas' metrics on ragbench's client, with Ragas' own prompts and arithmetic.

The modules of this package import Ragas, so import them where they are used.
"""
