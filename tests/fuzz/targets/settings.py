"""What users write: specs with colons, lists of settings, configuration files, rules, cases and prices."""

from datetime import date
from pathlib import Path

from ragbench import plugins
from ragbench.answers.answering import Question
from ragbench.answers.endpoint.description import read_endpoint
from ragbench.answers.endpoint.request import NotSent, request_of
from ragbench.answers.judge.rubric import read_rubric
from ragbench.answers.load.settings import parse_concurrency, parse_rates
from ragbench.answers.probe.cases import golden_of, read_cases
from ragbench.answers.probe.outcome import parse_floors
from ragbench.answers.probe.rules import rule
from ragbench.cli.bind import _options
from ragbench.comparison.ab.outcomes import parse_guardrail, parse_outcome
from ragbench.comparison.ab.settings import AbSettings, parse_looked, parse_looks, parse_split
from ragbench.comparison.gate.rule_files import read_rules
from ragbench.core.answers import Answered
from ragbench.core.options import pairs, specs
from ragbench.corpus.checks.rules import check_table
from ragbench.corpus.checks.schema import read_schema
from ragbench.corpus.checks.table import Table
from ragbench.golden.personas import personas_yaml, read_personas
from ragbench.golden.wanted import parse_languages, parse_mix
from ragbench.golden.wordings import parse_wordings
from ragbench.golden.writer import read_prompt
from ragbench.metrics.parse import parse, parse_all
from ragbench.models.llm.costs import find_price
from ragbench.plain_yaml import load_yaml
from ragbench.workflows import ab, answer, compare, evaluate, gate, generate, load_test, plan, probe
from tests.fuzz.target import add, also, placed, target, text_of

RETRIEVERS = [
    "bm25",
    "dense",
    "hybrid",
    "rerank",
    "http",
    "command",
    "run",
    "chroma",
    "hyde",
    "multi_query",
    "rewrite",
    "decompose",
    "translate",
    "condense",
    "last_turns",
]


@target("specs.retriever", *RETRIEVERS, "index_type=hnsw", ":", ",", "=", "k1=1.2", "[a, b]", "{a: 1}", "null", "!!set")
def build_retriever(data: bytes) -> None:
    """A retriever as the command line has it."""
    built(plugins.RETRIEVERS, text_of(data))


@target("specs.chunker", "recursive", "size=100", "overlap=10", "sentence", "markdown", "fixed", "whole", "semantic")
def build_chunker(data: bytes) -> None:
    """A chunker as the command line has it."""
    built(plugins.CHUNKERS, text_of(data))


@target("specs.loader", "csv", "text_column=body", "trec:encoding=latin-1", "pdf", "hf", "max_bytes=1")
def build_loader(data: bytes) -> None:
    """A loader as the command line has it."""
    built(plugins.LOADERS, text_of(data))


def built(kind: plugins.Kind, written: str) -> None:
    """Build a plugin; those that import what the user names are left out."""
    if "langchain" not in written:
        made = plugins.build(kind, written)
        if hasattr(made, "check"):
            made.check()


@target(
    "specs.metric", "ndcg@10", "recall@5", "rbp:p=0.8", "gains=0:1", "k=10", "alpha_ndcg", "ERR@20", "precision", "@"
)
def parse_metric(data: bytes) -> None:
    """Names of metrics."""
    written = text_of(data)
    also(parse, written)
    parse_all(written.split(","))


def settings(name: str, read: object, *tokens: str) -> None:
    """Declare a parser of one text."""
    add(f"settings.{name}", lambda data: read(text_of(data)), *tokens)  # type: ignore[operator]


settings("pairs", lambda text: pairs("option", text), "a=b", ",", "=")
settings("mix", parse_mix, "question=1", "keyword", "multi-evidence=0.5", ",")
settings("languages", parse_languages, "en", "de", ",")
settings("wordings", parse_wordings, "paraphrase=0.7", "short-copy", "sentence", ",")
settings("split", parse_split, "control=50", "treatment=50", "%", ",")
settings("looks", parse_looks, "25%", "5", "1", ".5", ",")
settings("looked", parse_looked, "4000", "9000", ",", "\u00b2")
settings("outcome", parse_outcome, "revenue", "/sessions", ":mean", ":sum", "lower", ",")
settings("guardrail", parse_guardrail, "revenue", "max_increase=5%", "max_decrease=0.01", ":", "mean,")
settings("concurrency", parse_concurrency, "1", "16", ",")
settings("rates", parse_rates, "2.5", "5", ",")


def analysis(text: str) -> None:
    """Every text of the options of an online test."""
    lines = [*text.split("\n"), *[""] * 6]
    made = AbSettings(
        outcomes=lines[0].split(";"), guardrails=[one for one in lines[1].split(";") if one], before=lines[2] or None,
        split=lines[3], looks=lines[4], effect=lines[5],
    )  # type: ignore[arg-type]  # fmt: skip
    assert made.measured is not None
    assert made.watched is not None
    assert made.columns_before is not None
    assert made.weights is not None


settings("analysis", analysis, "\n", ";", ":", "=", ",", "%")

WORKFLOWS = {
    "eval": evaluate, "compare": compare, "gate": gate, "generate": generate, "answer": answer, "probe": probe,
    "plan": plan, "load": load_test, "ab": ab,
}  # fmt: skip


@target("config.yaml", *(f"{spec.name}: " for module in WORKFLOWS.values() for spec in specs(module.Options)))
def read_config(data: bytes) -> None:
    """A configuration file; its first line may name the command in a comment."""
    first, _, _ = data.partition(b"\n")
    name = first.removeprefix(b"#").strip().decode("ascii", "replace")
    options = WORKFLOWS.get(name, evaluate).Options
    _options(options, specs(options), {}, str(placed("config.yaml", data)), name)


@target(
    "yaml.plain",
    "a: b",
    "- ",
    "? ",
    "|\n",
    ">\n",
    "!!timestamp",
    "!!binary",
    "!!omap",
    "!!python/name:os",
    "<<: ",
    "*x",
)
def read_yaml(data: bytes) -> None:
    """YAML and nothing around it; it says itself what it raises."""
    import yaml

    try:
        load_yaml(text_of(data))
    except (yaml.YAMLError, ValueError, TypeError):
        return


@target(
    "rules.gate",
    "rules:\n",
    "- metric: ndcg@10\n",
    "  margin: 0.02\n",
    "  min: 0.5\n",
    "gates: 20\n",
    "false_alarms: 0.05\n",
)
def read_gate_rules(data: bytes) -> None:
    """The rules of a gate."""
    read_rules(placed("rules.yaml", data))


@target(
    "rules.service", "url: http://x/a\n", "method: GET\n", "body: {", '"{question}"', "{{user}}", "reply:\n",
    "  answer: a.0.b\n", "  variant: header:x\n", "headers: {a: ${HOME}}\n", "defaults: {user: 1}\n",
)  # fmt: skip
def read_service(data: bytes) -> None:
    """The description of a RAG service, and a request by it."""
    endpoint = read_endpoint(placed("service.yaml", data), timeout=1.0, concurrency=1)
    try:
        request_of(endpoint, Question("q", "how long?", {"user": "u"}))
    except NotSent:
        return


@target(
    "rules.schema",
    "columns:\n  id: {unique: true}\n",
    "type: date",
    "languages: {en: .5}",
    "values: [a]",
    "pattern: '(a+)+$'",
    "min: 2026-01-01",
    "max_null: 2",
)
def check_by_schema(data: bytes) -> None:
    """The schema of a catalogue, and a small table checked by it."""
    schema = read_schema(placed("schema.yaml", data))
    table = Table("t", {"id": ["a", "", None, 3, "cafÃ©"], "day": ["2026-01-01", "x", None, 1.5, True]}, list("12345"))
    check_table(table, schema, date(2026, 1, 2))


@target(
    "rules.cases", '"rules"', '"must_not"', '"re:(a+)+$"', '"refusal": "required"', '"documents"', '"secrets"', '"fact"'
)
def read_probe_cases(data: bytes) -> None:
    """Probe cases, and their rules applied to an answer."""
    cases = read_cases(placed("cases.jsonl", data))
    golden_of(cases)
    for case in cases:
        rule(case, Answered(case.id, case.question, "I cannot help with that. " + "a" * 40 + "!"))


@target("rules.rubric", "name: tone\n", "criterion: kind?\n", "scale: {1: a, 2: b}\n", "shows: [sources]\n", "true: x")
def read_rubric_file(data: bytes) -> None:
    """A rubric, and what the judge is told of it."""
    rubric = read_rubric(placed("rubric.yaml", data))
    assert rubric.written_scale.count("\n") == len(rubric.scores) - 1


@target("rules.floors", "0.9", "harmful=0.8", ",", "=")
def read_floors(data: bytes) -> None:
    """Pass rates."""
    cases = read_cases(Path("datasets/probes/cases.jsonl"))
    parse_floors(text_of(data).split(","), cases)


@target("rules.personas", "- name: guide\n", "  description: knows all\n", "  share: 3\n", "personas:\n")
def read_personas_file(data: bytes) -> None:
    """Personas; what is written of them reads as the same ones."""
    found = read_personas(placed("personas.yaml", data))
    again = read_personas(placed("again.yaml", personas_yaml(found, "m").encode()))
    assert [(one.name, one.description) for one in again] == [(one.name, one.description) for one in found]


@target("rules.writer", "{context}", "{n}", "{wanted}", "{about}", "{{", "}}", "{x}")
def read_writer_prompt(data: bytes) -> None:
    """A prompt of the user for the writer."""
    prompt = read_prompt(placed("prompt.txt", data))
    assert "{context}" in prompt.template


@target("prices.yaml", "input: 0.15", "output: 0.6", "openai:gpt", "source: x", "{input: 1, output: 2}")
def read_prices(data: bytes) -> None:
    """A table of prices."""
    found = find_price("openai:gpt-4o-mini", placed("prices.yaml", data))
    assert found is None or found.input >= 0
