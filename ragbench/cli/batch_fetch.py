"""The work behind ``ragbench batch fetch``."""

import contextlib
import json
import time
from pathlib import Path

from ragbench.cli.batch_status import journal_of
from ragbench.cli.generate_tell import say_to
from ragbench.core.errors import InputError, SettingError
from ragbench.io.run_folder import ANSWERS, held
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.batch.base import service_for
from ragbench.models.llm.batch.journal import Batch, Journal
from ragbench.models.llm.batch.send import BatchRefused, adopt, fetch


def run(folder: Path, *, wait: bool, every: float, as_json: bool) -> None:
    """Get what has ended; with ``wait``, stay until everything has.

    Raises:
        RagbenchError: no such run, or a provider that cannot be asked.
    """
    if not every > 0:
        raise SettingError(f"--every is {every}; it must be above 0")
    say = say_to(as_json)
    journal_of(folder)
    with held(folder):
        journal = journal_of(folder)
        fetched: list[Batch] = []
        with contextlib.closing(AnswerStore(folder / ANSWERS)) as answers:
            while True:
                for batch in _look(journal, answers):
                    fetched.append(batch)
                    say(_line(batch))
                open_ = [batch for batch in journal.under_way() if batch.step == "created"]
                if not (wait and open_):
                    break
                time.sleep(every)
    unsent = [batch.name for batch in journal.under_way() if batch.step != "created"]
    if as_json:
        told = {"version": 1, "fetched": [_told(batch) for batch in fetched], "under_way": len(open_), "unsent": unsent}
        print(json.dumps(told, ensure_ascii=False))
        return
    if not fetched:
        say("no batch has ended since the last look")
    for batch in open_:
        say(f"{batch.name}: {batch.lines} requests to {batch.model}, {batch.state}")
    if unsent:
        say(f"half sent: {', '.join(unsent)}; run batch submit again")
    elif not open_:
        say("next: run the same batch submit again; it sends the next round, or writes the set")


def _look(journal: Journal, answers: AnswerStore) -> list[Batch]:
    fetched: list[Batch] = []
    for batch in journal.under_way():
        if batch.step not in ("creating", "created"):
            continue
        service = service_for(batch.model, batch.place)
        try:
            now = adopt(journal, batch, service)
            if now.step == "created":
                now = fetch(journal, now, service, answers)
        except BatchRefused as error:
            raise InputError(f"{batch.name}: the provider does not tell of it: {error}") from error
        if now.step == "fetched":
            fetched.append(now)
    return fetched


def _line(batch: Batch) -> str:
    if batch.whole:
        return f"{batch.name}: {batch.state}: no request was worked on ({batch.reason}); batch submit sends them again"
    failed = f", {batch.failed} without one (batch submit sends them again)" if batch.failed else ""
    note = f"; {batch.reason}" if batch.reason else ""
    return f"{batch.name}: {batch.state}, {batch.answered} answers{failed}{note}"


def _told(batch: Batch) -> dict[str, object]:
    return {"batch": batch.name, "model": batch.model, "state": batch.state, "answered": batch.answered,
            "failed": batch.failed, "reason": batch.reason}  # fmt: skip
