"""How well a run answers: one metric per file, pure functions on columnar runs.

`ragbench.metrics.parse` reads names such as ``ndcg@10``, and
`ragbench.metrics.evaluate` scores a run.
"""
