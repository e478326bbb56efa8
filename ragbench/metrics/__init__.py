"""Retrieval metrics: one per file, as pure functions on columnar runs.

`ragbench.metrics.parse` reads names such as ``ndcg@10``, and
`ragbench.metrics.score` scores a run.
"""
