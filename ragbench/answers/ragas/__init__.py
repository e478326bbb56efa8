"""Ragas' metrics on ragbench's client: nothing but its prompts and its arithmetic is its own.

Modules in here import Ragas, so they are imported where they are used, and its
telemetry is off before any of them is.
"""

import os

# Ragas reads it once, at the first event it would send.
os.environ["RAGAS_DO_NOT_TRACK"] = "true"
