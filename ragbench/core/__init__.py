"""What things are: the nouns every other room speaks in. Standard library and numpy only."""
