"""The fault of object stores: a command that reads and writes one which fails, and which another machine takes over."""

import itertools
import random
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.commands import Command, Inputs, Words
from tests.io.object_stores import BUCKET, Break, Store

if TYPE_CHECKING:
    from tests.faults.cells import Bench

EVERY = 6
"""One request in so many fails."""
REQUESTS = 60
"""A command that pays nothing is interrupted before it has sent more requests to the store."""
OUT = "out"


def object_store(bench: "Bench", command: Command, draw: random.Random) -> None:
    """Ctrl-C while input and output are in an object store that fails now and then: The same command continues on
    another machine, with the same bytes, and pays for no answer that was already received.
    """
    from tests.faults.cells import CODES, check, last_line, stored

    whole, store = bench.whole(command), bench.services.store
    inputs = _Remote(bench.inputs, store)
    first, second = bench.place(), bench.place()
    bench.services.forget()
    failed, number = _fail_now_and_then(draw), next(_numbers)

    def paid_for() -> int:
        return sum(bench.services.paid.values())

    def words(given: Words) -> Words:
        cache: Words = ["--cache", f"s3://{BUCKET}/{number}/cache"] if command.in_cache else []
        return [_url(word, number) for word in given] + cache

    for before in command.before(inputs):
        check(bench.start(words(before), first, variables=store.environment).wait(), {0})
    store.breaks = failed
    process = bench.start(words(command.words(inputs)), first, variables=store.environment)
    most = draw.randint(1, whole.paid if command.pays and whole.paid else REQUESTS)
    asked = len(store.asked)
    while process.poll() is None and (paid_for() if command.pays else len(store.asked) - asked) < most:
        time.sleep(0.002)
    process.send(signal.SIGINT)
    ended = check(process.wait(), {0, *CODES[signal.SIGINT]})
    if ended.code > 0:
        assert last_line(ended).startswith("interrupted"), ended.err
    bench.services.model.wait_for_the_dead()
    paid = paid_for()
    flying = max(0, paid - stored(_downloaded(store, number, bench.place()))) if command.in_flight else 0
    if command.pays:
        assert flying <= command.in_flight
    check(bench.start(words(command.words(inputs)), second, variables=store.environment).wait(), {0})
    store.breaks = lambda method, path: ""
    for after in command.after(inputs):
        check(bench.start(words(after), second, variables=store.environment).wait(), {0})
    place = _downloaded(store, number, bench.place())
    bench.same(command, command.results(place))
    if command.pays:
        assert sum(times - 1 for times in bench.services.paid.values()) <= flying
    for one in (first, second, place):
        shutil.rmtree(one)


_numbers = itertools.count(1)


class _Remote(Inputs):
    """The same inputs, in the store."""

    def __init__(self, inputs: Inputs, store: Store) -> None:
        super().__init__(inputs.folder, inputs.services)
        if store.keys("inputs/"):
            return
        for path in inputs.folder.rglob("*"):
            if path.is_file():
                store.put(f"inputs/{path.relative_to(inputs.folder).as_posix()}", path)

    def __truediv__(self, name: str) -> Path:
        return Path(f"s3://{BUCKET}/inputs/{name}")


def _url(word: object, number: int) -> object:
    text = str(word)
    return f"s3://{BUCKET}/{number}/{text}" if text == OUT or text.startswith((f"{OUT}/", f"{OUT}.")) else word


def _fail_now_and_then(draw: random.Random) -> Break:
    """Faults for one request in some, and never for more than two in a row."""
    rows = [0]

    def breaks(method: str, path: str) -> str:
        if rows[0] >= 2 or draw.randrange(EVERY):
            rows[0] = 0
            return ""
        rows[0] += 1
        return draw.choice(("slow", "lost", "cut" if method == "GET" else "slow"))

    return breaks


def _downloaded(store: Store, number: int, place: Path) -> Path:
    """What a command left in the store, in a folder."""
    for key in store.keys(f"{number}/"):
        path = place / key.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.read(key))
    return place
