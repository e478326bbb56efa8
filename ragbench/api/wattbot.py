"""``rb.wattbot``: answer the questions of the WattBot task, and score submissions."""

from ragbench.answers.wattbot.score.parts import Scored
from ragbench.api.bind import call, call_then
from ragbench.workflows import wattbot
from ragbench.workflows.wattbot import ScoredSubmissions


def _one_or_all(result: ScoredSubmissions) -> Scored | ScoredSubmissions:
    return result.scored[0] if len(result.scored) == 1 else result


run = call("wattbot.run", wattbot.RunOptions, wattbot.run_task)
score = call_then("wattbot.score", wattbot.ScoreOptions, wattbot.run_score, _one_or_all)
