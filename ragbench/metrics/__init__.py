"""Retrieval metrics: one plugin per file, computed from the judged rows of a run.

`ragbench.metrics.parse` reads names such as ``ndcg@10``, and
`ragbench.metrics.score` scores a run.
"""
