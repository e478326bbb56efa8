"""Review stages. One file each; the file's name is the stage's name."""
