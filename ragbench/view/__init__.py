"""The local page over a folder of evaluations: ``ragbench view``. Only that command imports it."""
