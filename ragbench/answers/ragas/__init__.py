"""Ragas' metrics on ragbench's client, with Ragas' own prompts and arithmetic.

The modules of this package import Ragas, so import them where they are used. Ragas'
telemetry is switched off before.
"""

import os

# Ragas reads this once, at the first event it would send.
os.environ["RAGAS_DO_NOT_TRACK"] = "true"
