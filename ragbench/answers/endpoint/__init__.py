"""A RAG service, asked over HTTP: what is sent, and how the reply is read. See docs/reference/answers-http.md."""
