"""trec_eval's measures under its own names, as `ragbench metrics --format trec_eval` prints them.

`names` reads ``-m``, `values` and `gains` compute what no metric of ragbench computes, `evaluate` averages and prints.
"""
