"""Every reader of foreign bytes gives a value or an error of ragbench, within limits of time and memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import limits
from tests.fuzz.limits import tried
from tests.fuzz.mutate import Mutations
from tests.fuzz.run import Outcome, distinct, fuzz
from tests.fuzz.target import SEEDS, Target, targets

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_26
FEW, MANY = 12, 400


def shown(outcome: Outcome) -> str:
    found = distinct(outcome.faults)
    return "\n".join(
        f"{fault.kind} ({count}), input {fault.index}: {fault.said}\n{fault.trace}" for fault, count in found
    )


@pytest.fixture(scope="module")
def few() -> dict[str, Outcome]:
    """The seeds and a few mutated inputs of all targets."""
    found = fuzz(list(targets().values()), SEED, inputs=FEW, seconds=60, jobs=1)
    return {outcome.target: outcome for outcome in found}


@pytest.mark.parametrize("name", targets())
def test_seeds_and_mutations_are_read_or_refused(name: str, few: dict[str, Outcome]) -> None:
    assert few[name].inputs == FEW
    assert not few[name].faults, shown(few[name])


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted({name.partition(".")[0] for name in targets()}))
def test_many_mutations_are_read_or_refused(part: str) -> None:
    chosen = [target for name, target in targets().items() if name.partition(".")[0] == part]
    found = fuzz(chosen, SEED + 1, inputs=MANY, seconds=60, jobs=2)
    assert not any(outcome.faults for outcome in found), "\n".join(map(shown, found))


def test_each_folder_of_seeds_has_its_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(targets())
    assert all(target.seeds for target in targets().values())


def test_an_input_can_be_made_again() -> None:
    target = targets()["golden.native"]
    one, two = (Mutations(target, 7) for _ in range(2))
    assert [one.input(n) for n in range(50)] == [two.input(n) for n in range(50)]
    assert len({Mutations(target, 8).input(n) for n in range(50)}) > 40


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (lambda data: {}[data], "traceback"),
        (lambda data: b"x" * (400 << 20), "memory"),
        (lambda data: sum(range(10**8)), "time"),
    ],
    ids=["traceback", "memory", "time"],
)
def test_faults_are_found(read: object, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.2 if kind == "time" else 60)
    fault = tried(Target("t", read), b"x", 3)  # type: ignore[arg-type]
    assert fault is not None
    assert (fault.kind, fault.index) == (kind, 3)


def test_deaths_name_their_input_and_the_others_still_run(tmp_path: Path) -> None:
    """A worker that crashes, hangs or takes all addresses is started again behind the input."""
    script = tmp_path / "deaths.py"
    script.write_text(
        "import os, sys, time\n"
        "from tests.fuzz import limits, run, target, worker\n"
        "worker.MOST_SECONDS = run.MOST_SECONDS = 1.0\n"
        "def read(data):\n"
        "    if data == b'crash': os.abort()\n"
        "    if data == b'hang': time.sleep(100)\n"
        "    if data == b'memory': return bytearray(1 << 34)\n"
        "class Three:\n"
        "    def __init__(self, target, seed): pass\n"
        "    def input(self, index): return [b'ok', b'crash', b'ok', b'hang', b'memory', b'ok'][index]\n"
        "worker.Mutations = Three\n"
        "one = target.Target('t', read)\n"
        "worker.targets = lambda: {'t': one}\n"
        "run._server = lambda: __import__('multiprocessing').get_context('fork')\n"
        "target.Target.seeds = property(lambda self: [])\n"
        "found = run.ran(one, 0, 6, 60)\n"
        "print(found.inputs, [(fault.kind, fault.index) for fault in found.faults])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "6 [('crash', 1), ('time', 3), ('memory', 4)]", done.stderr


def test_the_command_reports_and_saves(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "settings.pairs",
        "--inputs",
        "30",
        "--seed",
        "1",
        "--save",
        tmp_path,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "settings.pairs" in done.stdout
    assert not list(tmp_path.iterdir())
    unknown = subprocess.run([*command[:3], "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert "no target 'nothing'" in unknown.stderr
