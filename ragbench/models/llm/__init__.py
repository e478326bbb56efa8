"""Language models behind one contract, and the client that adds limits, retries, an answer cache and a budget."""
