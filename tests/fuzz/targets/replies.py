"""What models and services send: replies, streams, results of batches, and what every prompt's reader makes of it."""

import asyncio
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from ragbench.answers.answering import ANSWER, PLAIN, Question, numbers_in
from ragbench.answers.answering import _read as read_said
from ragbench.answers.endpoint.ask import answered_of
from ragbench.answers.endpoint.reply import ReplyReader, check_answer
from ragbench.answers.endpoint.settings import HEADER, Reply
from ragbench.answers.judge import grade, prefer, questions, statements, usefulness, verdicts
from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.judge.rubric import read_rubric
from ragbench.answers.judge.statements import Said, Statement
from ragbench.answers.probe import metric as probe
from ragbench.answers.wattbot import run as wattbot
from ragbench.answers.wattbot import solutions
from ragbench.answers.wattbot.inputs import Question as CompetitionQuestion
from ragbench.answers.wattbot.search import PageChunk
from ragbench.core.answers import Source
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query
from ragbench.golden import personas
from ragbench.golden.audit.siblings import SCHEMA as SIBLING
from ragbench.golden.drafting import Call
from ragbench.golden.drafting import read_answer as read_drafts
from ragbench.golden.drafts import Draft
from ragbench.golden.locate import locate
from ragbench.golden.personas import proposed_personas
from ragbench.golden.stages import judge, reconsider
from ragbench.golden.wanted import Wanted
from ragbench.golden.writer import OWN, OWN_SCHEMA, Writer, schema
from ragbench.models.llm.base import LLM, Answer, Message, Request, Response
from ragbench.models.llm.batch.bedrock import FAMILIES
from ragbench.models.llm.batch.openai import _result as openai_result
from ragbench.models.llm.chat_errors import read_status
from ragbench.models.llm.client import Client
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.openai_compatible import OpenAICompatible
from ragbench.models.llm.openai_wire import OpenAIEvents
from ragbench.models.rerank.llm import _grade
from ragbench.retrievers import _query_prompts
from ragbench.retrievers._external import Contract
from tests.fuzz.target import also, target, text_of

JSON = ('{"', '": ', "```json\n", "```", "[", "]", "null", "true", ", ", '\\"', "\\u0000")


class Scripted(LLM):
    """A model that always gives the same reply."""

    name = "scripted:m"

    def __init__(self, text: str) -> None:
        self.text = text

    def fingerprint(self) -> str:
        return "0" * 32

    async def complete(self, request: Request) -> Response:
        return Response(self.text)


def session(text: str) -> Session:
    """A judge that says this."""
    client = Client(Scripted(text), limits=Limits(retries=1, reasks=1), jitter=np.random.default_rng(0))
    return Session(client, Context())


def asked(request: Request, text: str) -> Answer:
    """The answer of a model that says this to a request."""
    return asyncio.run(session(text).asker.ask(request))  # type: ignore[arg-type]


def written(answer: Answer) -> None:
    """A value can be written to a file, and a failure has a reason."""
    json.dumps(answer.value, ensure_ascii=False, allow_nan=False).encode()
    assert (answer.value is None) == bool(answer.failure)


@target("replies.json", *JSON)
def read_reply(data: bytes) -> None:
    """The text of a reply that has to be JSON of any schema."""
    text = text_of(data)
    for form in ({}, ANSWER.schema, judge.SCHEMA, SIBLING):
        answer = asked(Request("t/1", (Message("user", "?"),), form), text)
        written(answer)


@target("replies.judge-statements", *JSON, '"statements"', '"quote"', '"statement"')
def read_statements(data: bytes) -> None:
    """The statements of an answer."""
    said = "The battery lasts ten hours. It charges in 45 minutes."
    asyncio.run(statements.split([Said("How long?", said)], session(text_of(data))))


@target("replies.judge-verdicts", *JSON, '"verdicts"', '"sources"', '"together"', '"supported"', '"not found"', '"1"')
def read_verdicts(data: bytes) -> None:
    """Verdicts on statements."""
    held = verdicts.Held("How long?", (Statement("Ten hours.", (0, 5)), Statement("Red.", None)), {"a": "x", "b": "y"})
    for found in asyncio.run(verdicts.judge([held], session(text_of(data)))):
        if isinstance(found, tuple):
            assert len(found) == 2
            for one, statement in zip(found, held.statements, strict=True):
                json.dumps(verdicts.claim(statement, [one]))


@target("replies.judge-questions", *JSON, '"questions"', '"noncommittal"')
def read_questions(data: bytes) -> None:
    """Questions written from an answer."""
    asyncio.run(questions.regenerate(["Ten hours."], 2, session(text_of(data))))


@target("replies.judge-usefulness", *JSON, '"sources"', '"useful"', '"source": 1')
def read_usefulness(data: bytes) -> None:
    """Verdicts on sources."""
    shown = usefulness.Shown("How long?", "Ten hours.", {"a": "x", "b": "y"})
    asyncio.run(usefulness.usefulness([shown], session(text_of(data))))


@target("replies.judge-rubric", *JSON, '"reasons"', '"score"', "3", "4.0", "true", "1e999")
def read_rubric_grade(data: bytes) -> None:
    """The score of an answer by a rubric."""
    rubric = read_rubric("helpfulness")
    (found,) = asyncio.run(grade.grade([grade.Graded("How long?", "Ten hours.")], rubric, session(text_of(data))))
    assert isinstance(found, Lost) or found.score in rubric.scores


@target("replies.judge-preference", *JSON, '"reasons"', '"better"', '"first"', '"second"', '"tie"')
def read_preference(data: bytes) -> None:
    """The better one of two answers."""
    pair = prefer.Compared("How long?", prefer.Side("Ten hours."), prefer.Side("Long."))
    asyncio.run(prefer.prefer([pair], read_rubric("helpfulness"), session(text_of(data))))


DRAFTED = Draft("q-1", "how long does it last", "question", "ten hours", ("ten hours",), ("c1",), "en", {})


@target("replies.writer", *JSON, '"queries"', '"number": 1', '"type": "question"', '"quotes"')
def read_writer(data: bytes) -> None:
    """Drafts of queries, and the places of their quotes."""
    wanted = (Wanted("question", "en", "paraphrase"), Wanted("keyword", "en", "sentence"))
    request = Request("draft/1", (Message("user", "?"),), schema(2))
    answer = asked(request, text_of(data))
    drafts, failed, skipped = read_drafts(Call(("c1",), wanted, request), answer, model="m", seed=0)
    assert drafts or failed or skipped
    chunks = Chunks.of([Chunk("c1", "d1", "It lasts ten hours. It is red.", 0, 30, "t")])
    for draft in drafts:
        for quote in draft.quotes:
            locate(quote, chunks[0].text)


@target("replies.own-writer", *JSON, '"queries"', '"number": 1', '"query"', '"quotes"', '""')
def read_own_writer(data: bytes) -> None:
    """Replies to a prompt of the user."""
    wanted = (Wanted("question", "en", "paraphrase"), Wanted("keyword", "en", "sentence"))
    answer = asked(Request("own-draft/1", (Message("user", "?"),), OWN_SCHEMA), text_of(data))
    for template in ("{context} {n}", "{context} {wanted}"):
        writer = Writer(replace(OWN, template=template))
        call = Call(("c1",), wanted, Request("own-draft/1", (Message("user", "?"),), OWN_SCHEMA))
        found = read_drafts(call, answer, model="m", seed=0, writer=writer)
        kept = [draft for draft in found.drafts if draft.rejected_by is None]
        assert len(kept) + len(found.failed) + len(found.skipped) == len(wanted)


@target("replies.personas", *JSON, '"personas"', '"name": "guide"', '"description"', '"share": 3')
def read_proposed(data: bytes) -> None:
    """Personas that a model proposes."""
    request = Request("personas/1", (Message("user", "?"),), personas.SCHEMA)
    found = proposed_personas(asked(request, text_of(data)), "m")
    assert abs(sum(one.share for one in found) - 1) < 1e-9


@target("replies.review", *JSON, '"valid": true', '"certainty": "doubtful"', '"reason"', '"argument"')
def read_review(data: bytes) -> None:
    """Opinions of the judge, and of the model that reconsiders."""
    text = text_of(data)
    opinion = judge._opinion(asked(Request("t/1", (Message("user", "?"),), judge.SCHEMA), text))
    reconsider._opinion(asked(Request("t/1", (Message("user", "?"),), reconsider.SCHEMA), text), opinion)


@target("replies.answer", *JSON, '"answer"', '"citations"', '"is_unknown"', "[1]", "[2, 3]", "[1-3]")
def read_written_answer(data: bytes) -> None:
    """Answers with citations, as JSON and as text."""
    text = text_of(data)
    sources = (Source("a", "d", "x"), Source("b", "d", "y"))
    for prompt in (ANSWER, PLAIN):
        answer = asked(Request("t/1", (Message("user", "?"),), prompt.schema), text)
        said = read_said(Question("q", "how long?"), sources, answer, None, plain=prompt is PLAIN)
        assert set(said.cited) <= {"a", "b"}
    numbers_in(text)


@target("replies.query", *JSON, '"texts"')
def read_transformed(data: bytes) -> None:
    """Texts that a model writes for a query."""
    for prompt in (_query_prompts.HYDE, _query_prompts.DECOMPOSE):
        written(asked(Request("t/1", (Message("user", "?"),), prompt.schema), text_of(data)))


@target("replies.grade", *JSON, '"grade": 2')
def read_grade(data: bytes) -> None:
    """Grades of a reranker, from the text of a reply."""
    found = _grade(text_of(data))
    assert isinstance(found, str) or found in (0, 1, 2, 3)


@target("replies.probe", *JSON, '"passes": true', '"refuses"', '"reason"')
def read_probe_verdict(data: bytes) -> None:
    """Verdicts on answers to probes."""
    written(asked(Request("t/1", (Message("user", "?"),), probe.SCHEMA), text_of(data)))


@target("replies.competition", *JSON, '"answer_value"', '"ref_id"', '"is_blank"')
def read_competition(data: bytes) -> None:
    """Answers of the competition."""
    question = CompetitionQuestion("q", "how much?", "kWh")
    text = text_of(data)
    answer = asked(Request("t/1", (Message("user", "?"),), wattbot.ANSWER.schema), text)
    solution, _ = solutions.answered(question, answer, [PageChunk("c", "d1", 1, "x")])
    solutions.explained(solution, asked(Request("t/1", (Message("user", "?"),), wattbot.EXPLAIN.schema), text))


@target("services.completion", '"choices"', '"message"', '"content"', '"usage"', '"error"', '"refusal"')
def read_completion(data: bytes) -> None:
    """A reply of an OpenAI-compatible server, under several statuses."""
    model = OpenAICompatible("openai_compatible:m", {"base_url": "http://localhost:1/v1"})
    for status in (200, 302, 400, 429, 500):
        also(model._read, status, {"retry-after": "1"}, data)


@target(
    "services.completion-stream", "data: ", "[DONE]", '"delta"', '"finish_reason"', "\n\n", ": ping\n", "event: x\n"
)
def read_completion_stream(data: bytes) -> None:
    """A streamed reply, in parts of odd sizes."""
    events = OpenAIEvents(lambda _: None)
    for at in range(0, len(data), 37):
        if events.feed(data[at : at + 37]):
            break
    response = events.response()
    response.text.encode()


MAPPED = Reply(
    piece="choices.0.delta.content",
    paths={"answer": "data.text", "sources": "hits.*.text", "source_ids": "hits.*.id", "variant": f"{HEADER}x-variant"},
    metadata={"shard": "data.shard"},
)
CONTENT_TYPES = ("application/json", "text/plain; charset=latin-1", "text/event-stream", "application/x-ndjson")


@target(
    "services.answer", '"answer"', '"sources"', '"abstained"', "data: ", '"delta"', "[DONE]", '"data": {"text": "',
    '"hits": [{"id": 1, "text": "', '"choices": [{"delta": {"content": "',
)  # fmt: skip
def read_service(data: bytes) -> None:
    """The answer of a RAG service, in each form, as ``answer`` and ``load`` read it."""
    question = Question("q", "how long?")

    def read(reply: Reply, content_type: str) -> None:
        reader = ReplyReader(reply, {"content-type": content_type, "x-variant": "b"}, keep=1)
        for at in range(0, len(data), 37):
            reader.feed(data[at : at + 37])
        row = reader.close()
        check_answer(row, reply)
        answered_of(question, row, 0.1, None)

    for reply in (Reply(), MAPPED, Reply(piece="")):
        for content_type in CONTENT_TYPES:
            also(read, reply, content_type)


@target("services.search", '"results"', '"id"', '"score"', '"query_id"', '"error"')
def read_search(data: bytes) -> None:
    """The answer of a search service or program, and the request to it."""
    query = Query("q", "how long?")
    for contract in (
        Contract(),
        Contract(results_path="", id_field="", score_field=""),
        Contract(results_path="a.0.b"),
    ):
        found = contract.read(data, query)
        if isinstance(found, list):
            assert all(math.isfinite(score) for _, score in found)
    Contract().request(Query("q", text_of(data)[:1000]), 10)


@target("services.headers", "120", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "\u00b2", "1e400", "nan", "inf")
def read_headers(data: bytes) -> None:
    """Headers that say when to ask again."""
    value = data.decode("latin-1")[:200]
    for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "Date"):
        found = read_status("slow down", 429, {name: value}, "")
        assert found.retry_after is None or (math.isfinite(found.retry_after) and found.retry_after >= 0)


@target("services.batch", '"custom_id"', '"response"', '"body"', '"status_code"', '"recordId"', '"modelOutput"')
def read_batch_line(data: bytes) -> None:
    """A line of the results of a batch, of OpenAI and of Bedrock."""
    for line in data.split(b"\n"):
        result = openai_result(line)
        assert result.response is None or isinstance(result.response.text, str)
        for name, family in FAMILIES.items():
            bedrock_result(name, family, line)


def bedrock_result(name: str, family: Any, line: bytes) -> None:
    from ragbench.models.llm.batch.bedrock import BedrockJobs

    service = BedrockJobs.__new__(BedrockJobs)
    service._family = family
    service._result(line)
