"""WattBot 2025: answer questions from reports with values, units and references, and score the answers."""
