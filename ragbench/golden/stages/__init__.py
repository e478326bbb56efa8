"""Review stages. Each is one file, and the file's name is the stage's name."""
