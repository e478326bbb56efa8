"""What the judge is asked, one prompt per file."""
