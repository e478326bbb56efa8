"""An MCP server: an agent evaluates, compares, gates and looks at rankings, within one folder."""
