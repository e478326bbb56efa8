"""The check of a RAG service on a terminal and as JSON."""

import json
from collections.abc import Iterator

from ragbench.answers.endpoint.check import Came, EndpointCheck, said
from ragbench.core.foreign import excerpt
from ragbench.render.blocks import Block, Cell, Line, Row

FORMATS = {"json": "one JSON object", "text": "text", "sse": "server-sent events", "jsonl": "JSON lines"}
SHOWN = 400
LONGEST = 60


def endpoint_json(check: EndpointCheck) -> dict[str, object]:
    """The object of ``--json``; documented in docs/reference/answers-http.md."""
    came, sent = check.came, check.sent
    return {
        "version": 1,
        "outcome": check.outcome,
        "problem": check.problem or None,
        "sent": {
            "method": sent.method,
            "url": sent.url,
            "headers": sent.headers,
            "body": None if sent.content is None else json.loads(sent.content),
        },
        "reply": None
        if came is None
        else {
            "status": came.status,
            "content_type": came.content_type,
            "format": came.format,
            "bytes": came.size,
            "objects": came.objects,
            "pieces": came.pieces,
            "headers_seconds": came.begun,
            "first_token_seconds": came.first,
            "seconds": came.seconds,
            "beginning": came.beginning,
            "paths": [path for path, _ in came.paths],
        },
        "read": [
            {"role": part.role, "path": part.path or None, "state": part.state, "value": part.value}
            for part in check.parts
        ],
    }


def endpoint_blocks(check: EndpointCheck) -> list[Block]:
    """The request, the reply, what was read, and what is wrong."""
    found = [_sent(check)]
    if check.came is not None:
        found.append(_came(check.came))
    if check.parts:
        found.append(_parts(check))
    if check.outcome == "wrong" and check.came is not None:
        found += _help(check.came)
    found.append(Block(lines=(_verdict(check),)))
    return found


def _sent(check: EndpointCheck) -> Block:
    sent = check.sent
    lines = [Line(f"{sent.method} {sent.url}", indent=2)]
    lines += [Line(f"{name}: {value}", indent=2) for name, value in sent.headers.items()]
    if sent.content is not None:
        written = json.dumps(json.loads(sent.content), indent=2, ensure_ascii=False)
        lines += [Line(line, indent=2) for line in written.splitlines()]
    return Block("Sent", lines=tuple(lines))


def _came(came: Came) -> Block:
    kind = f"{came.size:,} bytes, read as {FORMATS[came.format]}"
    if came.format in ("sse", "jsonl"):
        kind += f": {came.objects} objects, {came.pieces} pieces of the answer"
    elif came.format == "text" and came.pieces > 1:
        kind += f" in {came.pieces} pieces"
    rows = [
        ["status", came.status],
        ["content type", came.content_type or "none"],
        ["body", kind],
        ["headers after", _ms(came.begun)],
        ["first piece after", "not streamed" if came.first is None else _ms(came.first)],
        ["whole answer after", _ms(came.seconds)],
    ]
    return Block("Reply", ("", ""), tuple(rows), align="ll")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _parts(check: EndpointCheck) -> Block:
    rows: list[Row] = []
    for part in check.parts:
        if part.state == "absent" and not part.path:
            continue
        state = Cell(part.state, {"read": "good", "missing": "bad", "absent": "quiet"}[part.state])  # type: ignore[arg-type]
        rows.append([part.role, state, part.path, said(part.value, LONGEST)])
    not_read = [part.role for part in check.parts if part.state == "absent" and not part.path]
    lines = (Line(f"No place is named for: {', '.join(not_read)}.", "quiet"),) if not_read else ()
    return Block("Read", ("what", "", "from", "value"), tuple(rows), lines, align="llll")


def _help(came: Came) -> Iterator[Block]:
    """The places that the reply has, so that the right path can be copied."""
    if came.paths:
        rows = tuple([path, said(value, LONGEST)] for path, value in came.paths)
        yield Block("Places in the reply", ("path", "example"), rows, align="ll")
    else:
        yield Block("Beginning of the reply", lines=(Line(excerpt(came.beginning, SHOWN), indent=2),))


def _verdict(check: EndpointCheck) -> Line:
    if check.came is None and check.outcome == "ok":
        return Line("Nothing was sent (dry run).")
    if check.outcome == "ok":
        return Line("The reply is read as described.", "good")
    if check.outcome == "wrong":
        return Line(f"The reply is not as described: {check.problem}.", "bad")
    began = f" The reply begins: {excerpt(check.came.beginning, SHOWN)}" if check.came and check.came.beginning else ""
    return Line(f"The service did not answer: {check.problem}.{began}", "bad")
