"""An MCP server with tools that search three documents, well and badly; the tests start it."""

import sys
import time

from mcp.server import MCPServer

server = MCPServer("shelf", log_level="ERROR")
WORDS = {"a": "red apples", "b": "blue sky", "c": "green grass"}


@server.tool()
def search(query: str, k: int) -> dict[str, list[dict[str, str | float]]]:
    found = [{"id": id_, "score": float(len(set(query.split()) & set(text.split())))} for id_, text in WORDS.items()]
    return {"results": sorted(found, key=lambda one: -one["score"])[:k]}


@server.tool()
def ids(query: str, limit: int) -> list[str]:
    return [id_ for id_, text in WORDS.items() if set(query.split()) & set(text.split())][:limit]


@server.tool()
def as_text(query: str) -> str:
    return '[{"id": "b"}]' if "sky" in query else "3" if "grass" in query else "no JSON"


@server.tool()
def failing(query: str, k: int) -> str:
    if "sky" in query:
        time.sleep(10)
    if "grass" in query:
        print("the shelf fell down", file=sys.stderr, flush=True)
        sys.stdout.flush()
        __import__("os")._exit(3)
    raise ValueError("no such shelf")


if "--silent" in sys.argv:
    time.sleep(60)
if "--broken" in sys.argv:
    print("cannot open the shelf", file=sys.stderr)
    sys.exit(1)
server.run("stdio")
