"""Local web pages for a folder of evaluations: ``ragbench view``. Only that command imports this package."""
