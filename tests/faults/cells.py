"""The faults: what is done to a command, and what must hold then."""

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragbench.io.files import TEMPORARY
from tests.faults.commands import Command, Inputs, Words, write_inputs
from tests.faults.remote import object_store
from tests.faults.services import Services, services
from tests.faults.warm import PATIENCE, ROOT, Ended, Process, Warm

LAST_LINES = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
CODES = {signal.SIGINT: {130, -signal.SIGINT}, signal.SIGTERM: {143, -signal.SIGTERM}}
TMPFS_PAGE = 4096


@dataclass(frozen=True)
class Whole:
    """An undisturbed run: how long it took, what it left, and how much room that needs."""

    seconds: float
    results: dict[str, bytes]
    used: int
    paid: int


@dataclass
class Counted:
    """What became of the kills.

    Attributes:
        kills: how many there were, of processes that still ran.
        lost: stored answers that were asked for again.
        doubled: answers paid twice, beyond those in flight at a kill.
        unequal: runs that ended with other bytes.
        in_flight: answers sent but not yet stored at a kill.
        commands: how many commands were killed.
        faults: a line for each run in which something went wrong.
    """

    kills: int = 0
    lost: int = 0
    doubled: int = 0
    unequal: int = 0
    in_flight: int = 0
    commands: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Where commands run: warm processes, services, inputs, and a folder for each run."""

    warm: Warm
    services: Services
    inputs: Inputs
    folder: Path
    known: dict[str, Whole] = field(default_factory=dict)
    number: int = 0

    def place(self) -> Path:
        """A new folder to run a command in."""
        self.number += 1
        place = self.folder / str(self.number)
        place.mkdir()
        self.services.forget()
        return place

    def start(self, words: Words, place: Path, **limits: Any) -> Process:
        variables = self.variables(place) | limits.pop("variables", {})
        return self.warm.start(words, place, variables=variables, **limits)

    def variables(self, place: Path) -> dict[str, str]:
        own = {"RAGBENCH_CACHE": str(place / "cache"), "COLUMNS": "80", "NO_COLOR": "1", "OPENAI_API_KEY": "x"}
        return own | self.services.aws

    def prepare(self, command: Command, place: Path) -> None:
        for words in command.before(self.inputs):
            check(self.start(words, place).wait(), {0})

    def ended(self, command: Command, process: Process, place: Path) -> Ended:
        """Talk to a command that serves and end it; wait for any other."""
        if command.talk is not None:
            address = _address(process)
            if address:
                said = _talk(command.talk, address, process)
                process.send(signal.SIGTERM)
                if said is not None:
                    (place / "out.txt").write_bytes(said)
        return process.wait()

    def finish(self, command: Command, place: Path) -> dict[str, bytes]:
        """Run the same command again, undisturbed, and return what it leaves."""
        process = self.start(command.words(self.inputs), place)
        ended = check(self.ended(command, process, place), {0})
        self.complete(command, place, ended)
        assert not leftovers(place), leftovers(place)
        return command.results(place)

    def complete(self, command: Command, place: Path, ended: Ended) -> None:
        """Run what comes after a command. What it printed is its result if it leaves no file."""
        for words in command.after(self.inputs):
            check(self.start(words, place).wait(), {0})
        if not command.results(place):
            (place / "out.txt").write_text(ended.out)

    def whole(self, command: Command) -> Whole:
        """An undisturbed run of a command, once."""
        if command.name not in self.known:
            place = self.place()
            self.prepare(command, place)
            began = time.monotonic()
            process = self.start(command.words(self.inputs), place)
            ended = check(self.ended(command, process, place), {0})
            seconds, used = time.monotonic() - began, size(place)
            self.complete(command, place, ended)
            paid = self.services.paid
            assert set(paid.values()) <= {1}, "an undisturbed run pays twice"
            self.known[command.name] = Whole(seconds, command.results(place), used, len(paid))
        return self.known[command.name]

    def same(self, command: Command, results: dict[str, bytes]) -> None:
        """Check that results are those of an undisturbed run."""
        wanted = self.whole(command).results
        assert sorted(results) == sorted(wanted)
        assert [name for name in wanted if results[name] != wanted[name]] == []


@contextmanager
def bench(folder: Path, *, warm_up: bool = True) -> Iterator[Bench]:
    """A bench in a folder; it takes seconds to warm up, which is worth it for many cells."""
    with Warm(warm_up=warm_up) as warm, services() as every:
        (folder / "inputs").mkdir()
        yield Bench(warm, every, write_inputs(folder / "inputs", every, warm), folder)


def check(ended: Ended, codes: set[int]) -> Ended:
    """Check the exit code, and that no traceback was printed."""
    assert "Traceback" not in ended.err, ended.err
    assert ended.code in codes, (ended.code, ended.err, ended.out)
    return ended


def last_line(ended: Ended) -> str:
    return (ended.err.strip().splitlines() or [""])[-1]


def leftovers(place: Path) -> list[str]:
    """Temporary files and folders; the part of a download is kept, to go on with."""
    left = [path for path in place.rglob("*") if TEMPORARY.fullmatch(path.name) or path.match("view/view-*")]
    return [str(path.relative_to(place)) for path in left]


def size(place: Path) -> int:
    return sum(-(-path.stat().st_size // TMPFS_PAGE) * TMPFS_PAGE for path in place.rglob("*"))


def stored(place: Path) -> int:
    """How many answers are on disk."""
    found = 0
    for path in place.rglob("*.sqlite"):
        with sqlite3.connect(path) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone():
                found += int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
        connection.close()
    return found


def _address(process: Process) -> str:
    while process.poll() is None and not process.out.endswith("\n"):
        time.sleep(0.005)
    return process.out.strip()


def _talk(talk: Callable[[str], bytes], address: str, process: Process) -> bytes | None:
    import httpx

    try:
        return talk(address)
    except httpx.HTTPError:
        # It was killed meanwhile. A server that lives must answer.
        time.sleep(0.2)
        assert process.poll() is not None, process.err
        return None


def disturbed(bench: Bench, command: Command, place: Path, number: int, draw: random.Random) -> Ended:
    """Run a command and send it a signal at a random moment."""
    process = bench.start(command.words(bench.inputs), place)
    moment = time.monotonic() + draw.uniform(0, bench.whole(command).seconds)
    if command.talk is None:
        while process.poll() is None and time.monotonic() < moment:
            time.sleep(0.001)
        process.send(number)
        ended = process.wait()
    else:
        timer = threading.Timer(moment - time.monotonic(), process.send, [number])
        timer.start()
        ended = bench.ended(command, process, place)
        timer.cancel()
    left = process.orphans()
    assert not left, left
    return ended


def kill(bench: Bench, command: Command, draw: random.Random) -> None:
    """At a random moment: The same command goes on, with the same bytes. Only answers in flight are paid twice."""
    counted = Counted()
    killed(bench, command, draw, 1, counted)
    assert counted.faults == []


def killed(bench: Bench, command: Command, draw: random.Random, times: int, counted: Counted) -> None:
    """Kill a run so many times, let it go on to its end, and count what became of it."""
    whole = bench.whole(command)
    place = bench.place()
    bench.prepare(command, place)
    flying = 0
    for _ in range(times):
        ended = check(disturbed(bench, command, place, signal.SIGKILL, draw), {0, -signal.SIGKILL})
        counted.kills += ended.code != 0
        bench.services.model.wait_for_the_dead()
        if command.pays:
            gone = sum(bench.services.paid.values()) - kept(bench, command, place) - flying
            assert 0 <= gone <= command.in_flight
            flying += gone
    results = bench.finish(command, place)
    paid = bench.services.paid
    twice = sum(times - 1 for times in paid.values())
    counted.in_flight += flying
    found = {"doubled": max(0, twice - flying), "lost": max(0, sum(paid.values()) - whole.paid - flying)}
    if not command.pays:
        found = dict.fromkeys(found, 0)
    other = [name for name in {**whole.results, **results} if results.get(name) != whole.results.get(name)]
    counted.doubled, counted.lost = counted.doubled + found["doubled"], counted.lost + found["lost"]
    counted.unequal += bool(other)
    if other or any(found.values()):
        counted.faults.append(f"{command.name}: {found}, differ: {', '.join(other) or 'none'}")
        return
    shutil.rmtree(place)


def kept(bench: Bench, command: Command, place: Path) -> int:
    """How many of the answers that were sent are not lost: on disk, or with a provider that keeps them."""
    return stored(place) if command.in_flight else sum(bench.services.paid.values())


def asked_to_end(number: signal.Signals) -> Callable[[Bench, Command, random.Random], None]:
    def fault(bench: Bench, command: Command, draw: random.Random) -> None:
        """At a random moment: One line says so, the exit code is that of the signal, and the same command goes on."""
        bench.whole(command)
        place = bench.place()
        bench.prepare(command, place)
        ended = check(disturbed(bench, command, place, number, draw), {0, *CODES[number]})
        if ended.code > 0:
            assert last_line(ended).startswith(LAST_LINES[number]), ended.err
        bench.services.model.wait_for_the_dead()
        bench.same(command, bench.finish(command, place))

    return fault


def at_once(bench: Bench, command: Command, draw: random.Random) -> None:
    """In the first second, while Python imports: One line says so, and the same command goes on."""
    place = bench.place()
    bench.prepare(command, place)
    process = subprocess.Popen(
        [sys.executable, "-m", "ragbench", *map(str, command.words(bench.inputs))], cwd=place, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        # A job in the background of a shell ignores interrupts, and its children would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={**os.environ, "PYTHONPATH": str(ROOT), **bench.variables(place)},
    )  # fmt: skip
    # Before the interpreter itself is up, it is Python that is interrupted.
    time.sleep(draw.uniform(0.25, 1.0))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    ended = check(Ended(process.returncode, "", err), {0, *CODES[signal.SIGINT]})
    assert ended.code <= 0 or last_line(ended).startswith("interrupted"), err
    bench.services.model.wait_for_the_dead()
    bench.same(command, bench.finish(command, place))


def full_disk(bench: Bench, command: Command, draw: random.Random) -> None:
    """While it writes: One line names the file and says what is kept. With room, the same command goes on."""
    whole = bench.whole(command)
    place = bench.place()
    with disk(place) as resize:
        bench.prepare(command, place)
        used = size(place)
        limits = resize(used + TMPFS_PAGE + int(max(0, whole.used - used) * draw.uniform(0, 0.9)))
        process = bench.start(command.words(bench.inputs), place, **limits)
        ended = check(bench.ended(command, process, place), {0, 2})
        if ended.code:
            assert re.match(r"error: .*/?\S+.*(kept|safe)", last_line(ended)), ended.err
        assert not leftovers(place), leftovers(place)
        resize(1 << 29)
        bench.same(command, bench.finish(command, place))
        assert sum(bench.services.paid.values()) <= whole.paid + command.in_flight


@contextmanager
def disk(place: Path) -> Iterator[Callable[[int], dict[str, int]]]:
    """A folder whose room can be set: a file system of its own if this user may mount one, else files are kept small.

    Yields:
        sets the room in bytes, and returns the limits that a process needs for it.
    """
    mount = ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield lambda room: {"most_bytes": room // 4}
        return

    def resize(room: int) -> dict[str, int]:
        subprocess.run(["mount", "-o", f"remount,size={room}", str(place)], check=True)
        return {}

    try:
        yield resize
    finally:
        subprocess.run(["umount", str(place)], check=True)


def read_only(bench: Bench, command: Command, draw: random.Random) -> None:
    """Of the output, or of the cache: One line says so before anything is paid for."""
    for name in ("out", "cache"):
        place = bench.place()
        bench.prepare(command, place)
        closed = place / name if name == "cache" or (place / name).is_dir() else place
        closed.mkdir(exist_ok=True)
        (place / "cache").mkdir(exist_ok=True)
        closed.chmod(0o555)
        process = bench.start(command.words(bench.inputs), place, powerless=True)
        ended = check(bench.ended(command, process, place), {0, 2})
        closed.chmod(0o755)
        if ended.code:
            assert re.match(r"error: .*(cannot be|ermission)", last_line(ended)), ended.err
            assert not bench.services.paid, "it paid before it found that it cannot write"
        bench.same(command, bench.finish(command, place))


def clock(bench: Bench, command: Command, draw: random.Random) -> None:
    """Forwards and backwards, by hours and years: Nothing changes."""
    bench.whole(command)
    place = bench.place()
    bench.prepare(command, place)
    process = bench.start(command.words(bench.inputs), place, jumps=True)
    check(bench.ended(command, process, place), {0})
    bench.same(command, bench.finish(command, place))
    assert set(bench.services.paid.values()) <= {1}


def one_folder(bench: Bench, command: Command, draw: random.Random) -> None:
    """Two at once with the same output: The second says that another is at work, or waits. The bytes are the same."""
    bench.whole(command)
    place = bench.place()
    bench.prepare(command, place)
    both = [bench.start(command.words(bench.inputs), place) for _ in range(2)]
    ends = [check(process.wait(), {0, 2}) for process in both]
    assert 0 in {ended.code for ended in ends}
    for ended in ends:
        assert not ended.code or "another ragbench is at work" in last_line(ended), ended.err
    bench.same(command, bench.finish(command, place))
    assert sum(times - 1 for times in bench.services.paid.values()) <= command.in_flight


def one_cache(bench: Bench, command: Command, draw: random.Random) -> None:
    """Two at once with the same cache: Both end well, with the same bytes. Two may ask a model the same at once."""
    bench.whole(command)
    places = [bench.place() for _ in range(2)]
    shared = {"RAGBENCH_CACHE": str(places[0] / "cache")}
    both = []
    for place in places:
        bench.prepare(command, place)
        both.append(bench.start(command.words(bench.inputs), place, variables=shared))
    for process, place in zip(both, places, strict=True):
        check(bench.ended(command, process, place), {0})
    for place in places:
        bench.same(command, bench.finish(command, place))


def corrupted(bench: Bench, command: Command, draw: random.Random) -> None:
    """Bytes of stored files change: They count as absent or are refused, and never change a result."""
    bench.whole(command)
    place = bench.place()
    bench.prepare(command, place)
    check(bench.ended(command, bench.start(command.words(bench.inputs), place), place), {0})
    sound = {path: path.read_bytes() for path in stores(place)}
    for path, content in sound.items():
        raw = bytearray(content)
        for _ in range(3):
            raw[draw.randrange(len(raw))] ^= draw.randrange(1, 256)
        path.write_bytes(raw)
    process = bench.start(command.words(bench.inputs), place)
    ended = check(bench.ended(command, process, place), {0, 2})
    if ended.code:
        assert re.search(r"ragbench doctor .* --repair|set it again|damaged", ended.err), ended.err
        check(bench.start(["doctor", ".", "--repair"], place).wait(), {0, 1})
        for path, content in sound.items():
            if f"{path.name}, line" in ended.err and "put back a copy" in ended.err:
                path.write_bytes(content)
    bench.same(command, bench.finish(command, place))


def stores(place: Path) -> list[Path]:
    """The files that a later run reads."""
    names = ("*.sqlite", "cache/**/*.npy", "cache/**/*.npz", "cache/**/*.index", "replies.jsonl", "embeddings.npy",
             "part-*.parquet", "chunks.jsonl", "batches.jsonl", "history.jsonl", "baseline.json")  # fmt: skip
    return sorted(
        path for path in place.rglob("*") if path.is_file() and path.stat().st_size and any(map(path.match, names))
    )


FAULTS: dict[str, Callable[[Bench, Command, random.Random], None]] = {
    "kill": kill,
    "SIGTERM": asked_to_end(signal.SIGTERM),
    "Ctrl-C": asked_to_end(signal.SIGINT),
    "Ctrl-C at once": at_once,
    "full disk": full_disk,
    "read-only folder": read_only,
    "clock jumps": clock,
    "one folder": one_folder,
    "one cache": one_cache,
    "corrupted store": corrupted,
    "object store": object_store,
}
