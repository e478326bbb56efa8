"""Write a golden set, from the corpus to the folder."""
