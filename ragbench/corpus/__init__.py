"""Load files as documents, and cut documents into chunks."""
