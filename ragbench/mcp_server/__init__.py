"""An MCP server, so that an agent can evaluate, compare, gate and look at rankings within one folder."""
