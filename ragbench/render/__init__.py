"""Results as blocks, and blocks on a terminal, as Markdown, as HTML and as JSON."""
