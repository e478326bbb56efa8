"""Put load on a RAG service, and measure throughput, latency and failures."""

from pathlib import Path

from ragbench.answers.answering import questions_of
from ragbench.answers.endpoint.description import is_address, read_endpoint
from ragbench.answers.load.result import LoadResult
from ragbench.answers.load.run import run_load
from ragbench.answers.load.settings import LoadSettings, check_host
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options, part
from ragbench.io.question_files import read_questions
from ragbench.io.run_folder import working_in
from ragbench.render.load import check_load_folder, write_load
from ragbench.workflows.groups import GoldenReading, ServiceHeaders
from ragbench.workflows.reading import read_set


@options
class Options(LoadSettings, ServiceHeaders, GoldenReading):
    """The options of ``ragbench load`` and `ragbench.load_test`."""

    url: str | Path = option(
        "The service: its address, or a YAML file that describes it.", section="Input", short="--endpoint",
        metavar="URL|FILE",
    )  # fmt: skip
    questions: Path | None = option(
        "Questions to ask: a text file with one per line, or a table.", default=None, section="Input"
    )
    golden: Path | GoldenSet | None = option(
        "Golden set whose queries are asked instead.", default=None, section="Input"
    )
    i_own_this_host: bool = option(
        "Confirm that a host other than this machine is yours to put load on.", default=False, section="Input"
    )
    out: Path | None = option(
        "Folder for results, requests and issue log.",
        default=None,
        section="Output",
        writes="folder",
        unset="nothing is written",
    )


def run(options: Options, context: Context) -> LoadResult:
    """Put load on a RAG service, and measure answers per second, latency, time to the first token and failures.

    ``concurrency`` gives closed loops: so many senders, each of which waits for its answer. ``rate`` gives open
    loops: requests arrive at that rate whether or not earlier ones are answered, and latency counts from when a
    request was due. Each level ends after ``requests`` or ``seconds``, whichever comes first. Finished levels are
    written at once.

    Returns:
        The measurements of each level. A level in which every request failed has an ``error``.

    Raises:
        ArmError: no request of the warm-up was answered.
        SettingError: a setting is out of its range, the folder holds something else, or the host is another machine
            and nobody confirmed that it may be tested.
        InputError: the questions cannot be read.

    Examples:
        >>> rb.load_test("http://service.example.com/ask", "questions.txt", concurrency=(1, 4))
        Traceback (most recent call last):
        ragbench.core.errors.SettingError: url=: service.example.com is not this machine. A load test can take a ...
    """
    settings = part(options, LoadSettings)
    if is_address(options.url):
        check_host(str(options.url), options.i_own_this_host)
    endpoint = read_endpoint(
        options.url, timeout=settings.timeout, concurrency=settings.at_once, header_env=options.header_env
    )
    check_host(endpoint.url, options.i_own_this_host)
    asked = _questions(options)
    out = options.out
    if out is not None:
        check_load_folder(out)
    context.say(f"at most {settings.longest:,.0f} s, whatever the service does")
    with working_in(out):
        return run_anywhere(
            run_load(
                endpoint, questions_of(asked), settings, name=asked.name,
                progress=context.progress, keep=lambda there: write_load(there, out) if out is not None else None,
            )
        )  # fmt: skip


def _questions(options: Options) -> GoldenSet:
    if (options.questions is None) == (options.golden is None):
        raise SettingError(
            f"there must be one source of questions; name a file with {named('questions')}, or a golden set with "
            f"{named('golden')}"
        )
    if options.questions is not None:
        return read_questions(options.questions)
    assert options.golden is not None
    return read_set(options.golden, options)
