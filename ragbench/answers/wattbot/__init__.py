"""WattBot 2025: answers from reports with values, units and references, and their score."""
