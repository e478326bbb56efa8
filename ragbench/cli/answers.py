"""What ``answer``, ``score``, ``judge``, ``probe``, ``endpoint``, ``load`` and ``wattbot`` print, and their help."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.answers.endpoint.check import EndpointCheck
    from ragbench.answers.judging import JudgePlan
    from ragbench.answers.load.result import LoadResult
    from ragbench.answers.wattbot.run import Indexed, Planned, Submission
    from ragbench.workflows.answer import AnsweredArms, AnswerPlan, AnswerResult
    from ragbench.workflows.answer import Options as AnswerOptions
    from ragbench.workflows.check_judge import CheckedJudge
    from ragbench.workflows.check_judge import Options as JudgeOptions
    from ragbench.workflows.endpoint import CheckOptions
    from ragbench.workflows.judge_sheet import Options as SheetOptions
    from ragbench.workflows.judge_sheet import Sheet
    from ragbench.workflows.load_test import Options as LoadOptions
    from ragbench.workflows.prefer import Options as PreferOptions
    from ragbench.workflows.prefer import Preferred
    from ragbench.workflows.probe import Options as ProbeOptions
    from ragbench.workflows.probe import Probed, WrittenDocuments
    from ragbench.workflows.score import Options as ScoreOptions
    from ragbench.workflows.score import ScoredAnswers, ScoredArms
    from ragbench.workflows.wattbot import RunOptions as WattbotRunOptions
    from ragbench.workflows.wattbot import ScoredSubmissions
    from ragbench.workflows.wattbot import ScoreOptions as WattbotScoreOptions

HELP_ANSWER = """Answer the questions of a golden set from documents, or import answers made elsewhere.

Example:
  ragbench answer --corpus docs/ --golden golden/docs --retriever hybrid
      --llm openai:gpt-4o-mini --k 5 --max-cost 10 --out answers/run1

Several --retriever, --llm or --prompt make a system of each combination, with a
folder for each below --out; 'ragbench score' scores and compares them. --prompt FILE
takes a prompt of your own, with {question} and {passages}.

With --endpoint URL, a running RAG service answers instead (see
docs/reference/answers-http.md), and ragbench records the times to the first and to
the last piece of each answer. With --answers FILE, answers of another system (JSON Lines, CSV or Parquet)
are converted to the same format. Run it with --dry-run first: it searches, prints
calls, tokens and cost, and asks no model. If a run is interrupted, repeat the
command: it continues where it was, and no answer is paid for twice. Exit code 0:
the answers were written (failed queries are counted, and listed in
ledger.jsonl); 2: an error, or a spent budget."""


def show_answer(options: "AnswerOptions", result: "AnswerResult | AnsweredArms | AnswerPlan", output: Output) -> None:
    """Print the counts of a run, or the estimate of a dry run."""
    from ragbench.render.answers import answering_json, answering_lines, answering_plan_lines
    from ragbench.workflows.answer import AnsweredArms, AnswerPlan

    if isinstance(result, AnsweredArms):
        if output.as_json:
            arms = [answering_json(one.answers, one.totals, options.out) for one in result.results]
            output.object({"version": 1, "out": str(options.out), "arms": arms})
            return
        for one in result.results:
            output.say(f"{one.answers.name}:")
            for line in answering_lines(one.answers, one.totals):
                output.say(f"  {line}")
        output.say(f"written to {options.out}, a folder for each system")
        return
    if isinstance(result, AnswerPlan):
        if output.as_json:
            output.object({"version": 1, "not_asked": result.settled, "plan": vars(result.estimate)})
            return
        lines = [*answering_plan_lines(result.estimate, result.settled)]
    else:
        if output.as_json:
            output.object(answering_json(result.answers, result.totals, options.out))
            return
        lines = [*answering_lines(result.answers, result.totals), f"written to {options.out}"]
    for line in lines:
        output.say(line)


HELP_SCORE = """Score the answers of a system against a golden set.

Example:
  ragbench score answers.jsonl --golden datasets/shop --metric token_f1 --metric citation --out reports/answers

ANSWERS is a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file
with the columns query, answer and, for citations, sources and cited. 'ragbench
plugins' lists the metrics. The commands compare, gate and ab --runs take the
folder of --out.

Some metrics, such as faithfulness, ask the model of --judge. Add --dry-run
first: it prints calls, tokens and cost, and asks no model. If a run is
interrupted, run the same command again: it continues, and nothing is paid twice.

Exit code 0: scored; 2: an error of usage or input, or a spent budget."""


def show_score(options: "ScoreOptions", result: "ScoredAnswers | ScoredArms | JudgePlan", output: Output) -> None:
    """Print the scores, or what the judge would take. A judge that stopped early is an error."""
    from ragbench.answers.judging import JudgePlan
    from ragbench.core.errors import RagbenchError
    from ragbench.render.answers import answers_json, answers_tables
    from ragbench.workflows.score import ScoredArms

    if isinstance(result, JudgePlan):
        show_estimate(result, output, {"version": 1})
        return
    if isinstance(result, ScoredArms):
        _show_arms(options, result, output)
        return
    if output.as_json:
        models = {"models": result.totals} if result.totals else {}
        output.object({**answers_json(result.evaluation), **models})
    else:
        output.table(answers_tables(result.evaluation, result.totals), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.evaluation.stopped:
        raise RagbenchError(result.evaluation.stopped)


def _show_arms(options: "ScoreOptions", result: "ScoredArms", output: Output) -> None:
    """Print the scores of each system, and their comparison with the first."""
    from ragbench.core.errors import RagbenchError
    from ragbench.render.answers import answers_json, arms_tables
    from ragbench.render.compare import compare_json, compare_tables

    compared, arms = result.compared, [one.evaluation for one in result.scored]
    if output.as_json:
        shown = [{**answers_json(one.evaluation), "models": one.totals} for one in result.scored]
        output.object({"version": 1, "arms": shown, "comparison": None if compared is None else compare_json(compared)})
    else:
        if compared is not None:
            output.table(compare_tables(compared), highlight=True)
        output.table(arms_tables(arms, [one.totals for one in result.scored]), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}, a folder for each system")
    stopped = [one.stopped for one in arms if one.stopped]
    if stopped:
        raise RagbenchError(stopped[0])


def show_estimate(plan: "JudgePlan", output: Output, version: Mapping[str, int]) -> None:
    """Print what the judge would take. ``version`` is the version of the JSON object, under its key."""
    from ragbench.render.answers import judge_plan_lines

    if output.as_json:
        output.object({**version, "plan": vars(plan.estimate)})
        return
    for line in judge_plan_lines(plan):
        output.say(line)


HELP_PREFER = """Compare the answers of two systems pair by pair: a judge says which one is better.

Example:
  ragbench prefer answers/run1 answers/run2 --golden golden/docs --rubric helpfulness
      --judge openai:gpt-4o-mini --max-cost 5 --out reports/run2-preferred

The judge sees every pair twice, with the order of the answers swapped. An answer
is preferred if the judge says so both times; everything else is a tie. The
position bias of the judge is printed. A rubric is a criterion in words with a
scale (docs/guides/judges.md); --rubric takes several.

Add --dry-run first: it prints calls, tokens and cost, and asks no model. If a
run is interrupted, run the same command again: it continues, and nothing is
paid twice. The commands compare and gate take the folder of --out.

Exit code 0: compared, whatever the result; 2: an error of usage or input, or a
spent budget."""


def show_prefer(options: "PreferOptions", result: "Preferred | JudgePlan", output: Output) -> None:
    """Print the preferences, or what the judge would take. A judge that stopped early is an error."""
    from ragbench.answers.judging import JudgePlan
    from ragbench.core.errors import RagbenchError
    from ragbench.render.preferences import preference_json, preference_tables

    if isinstance(result, JudgePlan):
        show_estimate(result, output, {"schema_version": 1})
        return
    found = result.preferences
    if output.as_json:
        output.object({**preference_json(found, result.compared), "models": result.totals})
    else:
        output.table(preference_tables(found, result.compared, result.totals, examples=options.examples))
    output.say(f"written to {options.out}")
    if found.stopped:
        raise RagbenchError(found.stopped)


HELP_JUDGE_CHECK = """Compare a judge, or any other score of answers, with the labels of annotators.

Examples:
  ragbench judge check --labels labels.csv --metric grounding --out reports/grounding
  ragbench judge check --labels labels.csv --metric column:judge_score
  ragbench judge check --labels scores.csv --rubric helpfulness --judge openai:gpt-4o-mini --out reports/judge

The labels are a JSON Lines, CSV, TSV or Parquet file with the columns answer,
contexts and label (yes or no), or votes (the labels of several annotators).
Files of the collections QAGS and BEGIN are read with --format. With --rubric, the
labels are scores on the scale of the rubric, or with --pairs, the better one of
two answers (columns first, second and label: first, second or tie).

The folder of --out holds a calibration: 'ragbench score --calibration' uses it
to correct later reports.

Exit code 0: checked, whatever the result; 2: an error of usage or input, or a
spent budget."""


def show_judge_check(options: "JudgeOptions", result: "CheckedJudge | JudgePlan", output: Output) -> None:
    """Print the check, or what the judge would take. A judge that stopped early is an error."""
    from ragbench.answers.judge_check.graded import GradedCheck
    from ragbench.answers.judging import JudgePlan
    from ragbench.core.errors import RagbenchError
    from ragbench.render.grades import grade_json, grade_tables
    from ragbench.render.judge import SCHEMA_VERSION, judge_json, judge_tables

    if isinstance(result, JudgePlan):
        show_estimate(result, output, {"schema_version": SCHEMA_VERSION})
        return
    if output.as_json:
        models = {"models": result.totals} if result.totals else {}
        check = result.check
        output.object({**(grade_json(check) if isinstance(check, GradedCheck) else judge_json(check)), **models})
    elif isinstance(result.check, GradedCheck):
        output.table(grade_tables(result.check, result.totals))
    else:
        output.table(judge_tables(result.check, result.totals))
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.check.signal.stopped:
        raise RagbenchError(result.check.signal.stopped)


HELP_JUDGE_SHEET = """Write a sheet in which annotators score answers, or say which of two is better.

Examples:
  ragbench judge sheet answers/run1 --rubric helpfulness --size 100 --out labels.csv
  ragbench judge sheet answers/run1 answers/run2 --rubric tone.yaml --out pairs.csv

The answers are drawn at random. The scale of the rubric and what to do stand in
a .md file beside the sheet. 'ragbench judge check --rubric' reads the filled sheet,
with --pairs for two systems.

Exit code 0: written; 2: an error of usage or input."""


def show_judge_sheet(options: "SheetOptions", result: "Sheet", output: Output) -> None:
    """Print what was written."""
    from ragbench.render.numbers import counted

    what = "pairs" if result.pairs else "answers"
    if output.as_json:
        output.object({"version": 1, what: result.rows, "rubric": result.rubric.name, "sheet": str(result.path),
                       "instructions": str(result.instructions)})  # fmt: skip
        return
    output.say(f"{counted(result.rows, what[:-1])} to label by {result.rubric.name}")
    output.say(f"written to {result.path}; instructions in {result.instructions}")


HELP_PROBE = """Probe a RAG service, or a model with a system prompt: injections, false premises, private data.

Example:
  ragbench probe --url http://localhost:8080/ask --floor 0.9 --out reports/probe

The service answers as docs/reference/answers-http.md describes. With --llm, the
command probes a model with the system prompt of --system instead; documents
replace {context} in it. --max-cost and --max-tokens hold for this run.

Some cases need planted documents in the collection of the service. 'ragbench
probe --write-documents DIR' writes them; use a test collection. Rules judge
first, and --judge decides what depends on phrases. The commands compare and gate
take the folder of --out (metric probe_pass, by type).

Exit code 0: done, and every --floor is reached; 1: a floor is not reached; 2: an
error of usage or input; 3: too few cases to decide."""

CODES = {"fail": 1, "inconclusive": 3}


def show_probe(options: "ProbeOptions", result: "Probed | WrittenDocuments", output: Output) -> int:
    """Print the rates and the failing cases. Give 1 if a floor is not reached, 3 if that cannot be decided."""
    from ragbench.core.errors import RagbenchError
    from ragbench.render.probe import model_line, probe_json, probe_tables
    from ragbench.workflows.probe import WrittenDocuments

    if isinstance(result, WrittenDocuments):
        _show_documents(result, output)
        return 0
    for model, totals in result.totals.items():
        output.error(model_line(model, totals))
    if output.as_json:
        output.object(probe_json(result.outcome, result.name, result.judge))
    else:
        output.table(probe_tables(result.outcome, result.name, result.judge, show=options.show))
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.evaluation.stopped:
        raise RagbenchError(result.evaluation.stopped)
    return CODES.get(result.outcome.verdict or "pass", 0)


def _show_documents(written: "WrittenDocuments", output: Output) -> None:
    if output.as_json:
        output.object({"documents": len(written.documents), "written_to": str(written.path)})
        return
    output.say(f"{len(written.documents)} documents, some with planted instructions: for a test collection only")
    output.say(f"written to {written.path}")


USAGE_ERROR = 2
HELP_ENDPOINT_CHECK = """Show what a RAG service is sent, and how its reply is read.

Examples:
  ragbench endpoint check service.yaml --question "a tent for two"
  ragbench endpoint check service.yaml --dry-run

FILE describes the service: its address, the request, and where the reply has the
answer, the passages, their ids, the tokens and the variant. The commands answer,
load and probe read the same file (docs/reference/answers-http.md). One question
is sent. Keys are not shown.

Exit code 0: the reply is read as described; 1: it is not, and the output lists the
places that the reply has; 2: an error of usage or input, or a service that does
not answer."""
WRONG_MAPPING = 1


def show_endpoint_check(options: "CheckOptions", result: "EndpointCheck", output: Output) -> int:
    """Print the request, the reply and what was read. Give 1 if it cannot be used, 2 if there is no reply."""
    from ragbench.render.blocks import terminal
    from ragbench.render.endpoint import endpoint_blocks, endpoint_json

    if output.as_json:
        output.object(endpoint_json(result))
    else:
        output.table(terminal(endpoint_blocks(result)))
    return {"ok": 0, "wrong": WRONG_MAPPING, "failed": USAGE_ERROR}[result.outcome]


HELP_LOAD = """Put load on a RAG service: answers per second, latency, time to the first token, failures.

Example:
  ragbench load --url http://localhost:8080/ask --questions questions.txt --concurrency 1,4,16 --out reports/load

--concurrency 4 runs a closed loop: four senders, each of which waits for its
answer. --rate 5 runs an open loop: five requests per second arrive, whether or
not earlier ones are answered, and latency counts from when a request was due.
Each level ends after --requests or --seconds, whichever comes first. Only a
service on this machine is tested, unless you give --i-own-this-host.

The service answers as docs/reference/answers-http.md describes. The commands
gate and baseline take the folder of --out (docs/guides/load.md). Exit code 0:
measured; 2: an error of usage or input, or a level in which every request
failed."""


def show_load(options: "LoadOptions", result: "LoadResult", output: Output) -> int:
    """Print the measurements. Give 2 if every request of a level failed."""
    from ragbench.render.load import load_json, load_tables

    if output.as_json:
        output.object(load_json(result))
    else:
        output.table(load_tables(result))
    if options.out is not None:
        output.say(f"written to {options.out}")
    return USAGE_ERROR if any(level.error for level in result.levels) else 0


HELP_WATTBOT_RUN = """Answer WattBot questions from reports, with a language model.

Example:
  ragbench wattbot run --metadata datasets/energy_ai/metadata.csv --documents datasets/energy_ai/pdf \\
    --questions datasets/energy_ai/test_Q.csv --llm openai:gpt-4o-mini --max-cost 1 --out runs/energy

The stages are chunks, embeddings and answers; --until ends after one of them.
Add --dry-run first: it prints calls, tokens and cost, and asks no model. If a
run is interrupted, run the same command again: it continues, and nothing is
paid twice.

Exit code 0: the stage is done; 2: an error of usage or input, or a spent budget."""

HELP_WATTBOT_SCORE = """Score WattBot submissions: .75 value, .15 references, .10 blank or not.

Example:
  ragbench wattbot score --truth datasets/energy_ai/train_QA.csv --pred solutions.csv

If you give --pred several times, every later submission is compared with the
first. --compat lesson scores as the published lesson does, so that you can
continue a series of its scores.

Exit code 0: scored; 2: an error of usage or input."""


def show_wattbot_run(options: "WattbotRunOptions", result: "Submission | Planned | Indexed", output: Output) -> None:
    """Print the numbers of documents and chunks, and what was answered or would be asked."""
    from ragbench.answers.wattbot.run import Indexed
    from ragbench.core.ledger import issue_lines
    from ragbench.render.wattbot import run_json, run_lines

    if output.as_json:
        output.object(run_json(result, options.out))
        return
    first, *others = run_lines(result, options.out)
    output.say(first)
    indexed = result if isinstance(result, Indexed) else result.indexed
    for line in issue_lines(indexed.skipped.entries):
        output.error(f"skipped: {line}")
    for line in others:
        output.say(line)


def show_wattbot_score(options: "WattbotScoreOptions", result: "ScoredSubmissions", output: Output) -> None:
    """Print the score of each submission, and the comparison if there are several."""
    from ragbench.render.compare import compare_json, compare_tables
    from ragbench.render.wattbot import SCHEMA_VERSION, score_json, score_tables

    pairs = [(summary, one.ledger) for summary, one in zip(result.summaries, result.scored, strict=True)]
    comparison = result.comparison
    if output.as_json:
        output.object(
            {
                "schema_version": SCHEMA_VERSION,
                "submissions": [score_json(*one) for one in pairs],
                "comparison": None if comparison is None else compare_json(comparison),
            }
        )
    else:
        for one in pairs:
            output.table(score_tables(*one))
            output.say("")
        if comparison is not None:
            output.table(compare_tables(comparison))
    if options.rows is not None:
        output.say(f"rows written to {options.rows}")
