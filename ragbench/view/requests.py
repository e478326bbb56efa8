"""The bodies of the requests that the pages send."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Decided(BaseModel):
    """A decision on a query; ``marked`` leaves it to be decided, an empty one takes the mark away."""

    model_config = ConfigDict(extra="forbid")

    run: str = Field(max_length=64)
    id: str = Field(min_length=1, max_length=4000)
    decision: Literal["", "marked", "accept", "edit", "reject"]
    edited_text: str = Field("", max_length=8000)
    grade: Literal["", "0", "1", "2", "3"] = ""
    comment: str = Field("", max_length=8000)


class Asked(BaseModel):
    """A question to the playground: numbers of the corpus and the retriever in what the page offers."""

    model_config = ConfigDict(extra="forbid")

    corpus: int = Field(ge=-1, le=1000)
    retriever: int = Field(ge=0, le=1000)
    question: str = Field(min_length=1, max_length=2000)
    k: int = Field(5, ge=1, le=20)
