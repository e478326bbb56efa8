"""Whether a system abstained."""

from ragbench.answers.metrics._phrases import abstention_in, refusal_in
from ragbench.core.answers import Answered


def abstained(answer: Answered) -> bool:
    """It says so, or there is no text, or the text begins with a phrase that says so or that refuses.

    A failure is no abstention.
    """
    if answer.failure:
        return False
    text = answer.answer.strip()
    return answer.abstained or not text or bool(abstention_in(text) or refusal_in(text))
