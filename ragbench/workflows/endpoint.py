"""Check the description of a RAG service: what is sent, and how the reply is read."""

from collections.abc import Mapping
from pathlib import Path

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.check import EndpointCheck, check_endpoint
from ragbench.answers.endpoint.description import read_endpoint
from ragbench.core.context import Context
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options, pairs
from ragbench.workflows.groups import ServiceHeaders


@options
class CheckOptions(ServiceHeaders):
    """The options of ``ragbench endpoint check`` and `ragbench.endpoint.check`."""

    endpoint: str | Path = option(
        "The service: a YAML file that describes it, or its address.", section="Input", positional=True, metavar="FILE"
    )
    question: str = option("Question to ask.", default="What do you offer for a beginner?", section="Input")
    values: Mapping[str, str] | None = option(
        "Values of other placeholders, such as user=u17.", default=None, section="Input", metavar="NAME=VALUE,...",
        unset="those of 'defaults' in the file", parse=lambda text: pairs(named("values"), text),
    )  # fmt: skip
    timeout: float = option("Seconds for the answer.", default=60.0, section="Limits")
    dry_run: bool = option("Show what would be sent, and send nothing.", default=False, section="Run")

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise SettingError("is empty", option="question")


def run_check(options: CheckOptions, context: Context) -> EndpointCheck:
    """Ask a RAG service one question, and show what is sent and how the reply is read.

    Returns:
        The request without keys, the reply with its times, what was read from it, and whether that is what the
        description of the service promises.

    Raises:
        InputError: the file cannot be read, or a placeholder has no value.
        SettingError: a setting cannot be used; the message lists every fault.

    Examples:
        >>> rb.endpoint.check("http://localhost:8080/ask", dry_run=True).sent.content
        b'{"query": "What do you offer for a beginner?", "query_id": "check"}'
    """
    endpoint = read_endpoint(options.endpoint, timeout=options.timeout, concurrency=1, header_env=options.header_env)
    values = dict(options.values or {})
    for name in values.keys() - endpoint.placeholders - ({"user_id"} if "user" in endpoint.placeholders else set()):
        raise SettingError(
            f"names {name!r}, which is no placeholder of the service{did_you_mean(name, endpoint.placeholders)}",
            option="values",
        )
    question = Question("check", options.question, values)
    if not options.dry_run:
        context.say(f"asking {endpoint.shown_url}")
    return run_anywhere(check_endpoint(endpoint, question, send=not options.dry_run))
