"""The bodies of the requests that the pages send, and what comes back: the API of the viewer."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ItemLabel(BaseModel):
    """A new grade of a ranked item; None takes the label away."""

    model_config = ConfigDict(extra="forbid")

    item: str = Field(min_length=1, max_length=4000)
    grade: int | None = Field(ge=0, le=3)


class Decided(BaseModel):
    """A decision on a query; ``marked`` leaves it to be decided, an empty one takes the mark away."""

    model_config = ConfigDict(extra="forbid")

    run: str = Field(max_length=64)
    id: str = Field(min_length=1, max_length=4000)
    decision: Literal["", "marked", "accept", "edit", "reject"]
    edited_text: str = Field("", max_length=8000)
    grade: Literal["", "0", "1", "2", "3"] = ""
    comment: str = Field("", max_length=8000)
    labels: list[ItemLabel] = Field([], max_length=400)


class Asked(BaseModel):
    """A question to the playground: numbers of the corpus and the retriever in what the page offers."""

    model_config = ConfigDict(extra="forbid")

    corpus: int = Field(ge=-1, le=1000)
    retriever: int = Field(ge=0, le=1000)
    question: str = Field(min_length=1, max_length=2000)
    k: int = Field(5, ge=1, le=20)


class Fault(BaseModel):
    """Why a request was refused, in one sentence."""

    model_config = ConfigDict(extra="forbid")

    fault: str


class Kept(BaseModel):
    """A decision as the table has it now, if it has one, and the file of the table."""

    model_config = ConfigDict(extra="forbid")

    row: dict[str, str] | None
    file: str


class UploadedFile(BaseModel):
    """A file of a browser session."""

    model_config = ConfigDict(extra="forbid")

    name: str
    size: int
    characters: int
    notes: list[str]


class Uploads(BaseModel):
    """The files of a browser session, and how many bytes they take of those that they may take."""

    model_config = ConfigDict(extra="forbid")

    files: list[UploadedFile]
    taken: int
    room: int


Replies = dict[int | str, dict[str, Any]]


def media(*types: str) -> dict[str, Any]:
    """A reply of one of these media types, as OpenAPI has it."""
    return {"content": {name: {"schema": {"type": "string"}} for name in types}}


FAULT = {"application/json": {"schema": Fault.model_json_schema()}}
REFUSALS: Replies = {
    403: {"description": "No session, another host or another origin", **media("text/plain")},
    409: {"description": "A file could not be read or written", "content": FAULT},
    422: {"description": "The request cannot be done as it is", "content": FAULT},
}
"""What every route may reply instead."""
EVENT = {"type": "object", "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}
STREAM: Replies = {
    200: {"description": "Events as they happen, with JSON data", "content": {"text/event-stream": {"schema": EVENT}}}
}
BODY: Replies = {
    400: {"description": "The body is not text in UTF-8", "content": FAULT},
    411: {"description": "The length is not said", **media("text/plain")},
    413: {"description": "Too large", **media("text/plain")},
}
"""What a route with a body may reply instead."""
NOT_FOUND: Replies = {404: {"description": "No such file", "content": FAULT}}
PAGE_OR_FAULT: Replies = {
    422: {"description": "A page that says what is wrong, or a fault", "content": media("text/html")["content"] | FAULT}
}
"""Pages say what is wrong on a page; a request that cannot be read at all gets a fault."""
