"""Answer the questions of a golden set, from the corpus to the folder."""
