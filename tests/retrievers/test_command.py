"""The command retriever with real programs."""

import os
import sys
import time
from pathlib import Path

import pytest

from ragbench.core.context import Context
from ragbench.core.runs import Query, Run
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.command import Command
from ragbench.testing import check_retriever, small_corpus

HEAD = """\
import json, os, sys, time
def answer(query):
    return {"results": [{"id": "kettle", "score": 2}, {"id": "teapot", "score": 1}]}
def say(value):
    print(json.dumps(value), flush=True)
"""
LOOP = "for line in sys.stdin:\n    q = json.loads(line)\n"


@pytest.fixture
def program(tmp_path: Path):
    def write(body: str) -> tuple[str, ...]:
        path = tmp_path / "a program.py"
        path.write_text(HEAD + body, encoding="utf-8")
        return (sys.executable, str(path))

    return write


def ask(retriever: Command, chunks, queries, k: int = 5) -> Run:
    assert retriever.check() == []
    index = retriever.index(chunks, Context())
    try:
        return index.search(queries, k)
    finally:
        index.close()


def some(n: int) -> list[Query]:
    return [Query(f"q{i}", f"query {i}") for i in range(n)]


def test_one_line_out_and_one_in(program, shelf) -> None:
    command = program(LOOP + "    say({'results': [{'id': repr(sorted(q.items()))}]})")
    run = ask(Command(command), shelf, [Query("q1", 'Käse\n"und" 水')], k=3)
    assert run.ranking(0) == [(repr([("k", 3), ("query", 'Käse\n"und" 水'), ("query_id", "q1")]), 1.0)]


def test_a_string_is_split_but_never_given_to_a_shell(program, shelf, tmp_path) -> None:
    python, path = program(LOOP + "    say({'results': [{'id': a} for a in sys.argv[1:]]})")
    marker = tmp_path / "marker"
    retriever = build(RETRIEVERS, {"name": "command", "command": f"{python} '{path}' '$HOME' ; touch {marker}"})
    run = ask(retriever, shelf, some(1))
    assert [id_ for id_, _ in run.ranking(0)] == ["$HOME", ";", "touch", str(marker)]
    assert not marker.exists()


def test_a_list_comes_from_yaml(program, shelf) -> None:
    retriever = build(RETRIEVERS, {"name": "command", "command": [*program(LOOP + "    say(answer(q))")]})
    assert ask(retriever, shelf, some(3)).lengths.tolist() == [2, 2, 2]


def test_the_program_runs_once_for_all_queries(program, shelf) -> None:
    command = program(LOOP + "    say({'results': [{'id': str(os.getpid())}]})")
    index = Command(command).index(shelf, Context())
    pids = {index.search([query], 1).ranking(0)[0][0] for query in some(4)}
    index.close()
    index.close()
    assert len(pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.pop()), 0)
    assert index.search(some(1), 1).failures["q0"] == "the index is closed"


def test_a_crash_is_followed_by_one_new_start_and_the_same_query(program, shelf, tmp_path) -> None:
    flag = tmp_path / "crashed"
    command = program(
        LOOP + f"    if q['query_id'] == 'q2' and not os.path.exists({str(flag)!r}):\n"
        f"        open({str(flag)!r}, 'w').close(); sys.exit(3)\n"
        "    say(answer(q))"
    )
    index = Command(command).index(shelf, Context())
    run = index.search(some(5), 2)
    index.close()
    assert not run.failures
    assert run.lengths.tolist() == [2] * 5
    assert "exit code 3" in str(index.notes["restarted"])


def test_a_program_that_keeps_crashing_fails_the_rest_with_its_last_words(program, shelf) -> None:
    command = program(
        LOOP + "    if q['query_id'] == 'q2': raise RuntimeError('no such index: shop')\n    say(answer(q))"
    )
    run = ask(Command(command), shelf, some(5))
    assert list(run.failures) == ["q2", "q3", "q4"]
    for reason in run.failures.values():
        assert "ended with exit code 1" in reason
        assert "RuntimeError: no such index: shop" in reason
    assert run.lengths.tolist() == [2, 2, 0, 0, 0]


def test_a_killed_program_names_its_signal(program, shelf) -> None:
    run = ask(Command(program(LOOP + "    os.kill(os.getpid(), 9)")), shelf, some(2))
    assert "signal 9" in run.failures["q0"]


def test_a_slow_answer_costs_its_own_query_only(program, shelf) -> None:
    command = program(LOOP + "    time.sleep(30 if q['query_id'] == 'q1' else 0)\n    say(answer(q))")
    start = time.perf_counter()
    run = ask(Command(command, timeout=1.5), shelf, some(4))
    assert time.perf_counter() - start < 15
    assert list(run.failures) == ["q1"]
    assert run.failures["q1"].startswith("no answer within 1.5 s")


def test_a_program_that_never_reads_cannot_block_a_long_query(program, shelf) -> None:
    start = time.perf_counter()
    run = ask(Command(program("time.sleep(60)"), timeout=1), shelf, [Query("q0", "long " * 100_000)])
    assert "q0" in run.failures
    assert time.perf_counter() - start < 15


@pytest.mark.parametrize(
    "stray", ["print('loading the index', flush=True)", "say({'status': 'ready'})", "say([]); say([])"]
)
def test_lines_that_are_no_answers_never_shift_the_others(program, shelf, stray) -> None:
    command = program(f"{stray}\n" + LOOP + "    say({'results': [{'id': q['query_id']}]})")
    run = ask(Command(command), shelf, some(3))
    for at, query in enumerate(run.query_ids):
        assert query in run.failures or run.ranking(at)[0][0] == query
    assert run.failures


def test_an_answer_with_another_querys_id_is_refused(program, shelf) -> None:
    run = ask(Command(program(LOOP + "    say({'query_id': 'q0', **answer(q)})")), shelf, some(2))
    assert "q0" not in run.failures
    assert "for query 'q0'" in run.failures["q1"]


def test_a_reported_error_fails_its_query_only(program, shelf) -> None:
    command = program(LOOP + "    say({'error': 'too short'} if q['query_id'] == 'q0' else answer(q))")
    run = ask(Command(command), shelf, some(3))
    assert run.failures == {"q0": "it answers with an error: too short"}


def test_a_chatty_standard_error_blocks_nothing(program, shelf) -> None:
    command = program(LOOP + "    sys.stderr.write('x' * 200_000 + '\\n' * 3); say(answer(q))")
    assert not ask(Command(command), shelf, some(5)).failures


def test_an_answer_longer_than_allowed(program, shelf) -> None:
    command = program(LOOP + "    print('{' + ' ' * 50_000, flush=True)")
    assert "max_bytes=10000" in ask(Command(command, max_bytes=10_000), shelf, some(1)).failures["q0"]


def test_what_the_program_started_ends_with_it(program, shelf) -> None:
    command = program(
        "import subprocess\nchild = subprocess.Popen(['sleep', '300'], stdout=subprocess.DEVNULL)\n"
        + LOOP
        + "    say({'results': [{'id': str(child.pid)}]})\nchild.wait()"
    )
    index = Command(command).index(shelf, Context())
    child = int(index.search(some(1), 1).ranking(0)[0][0])
    index.close()
    for _ in range(50):
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child of the program is still running")


def test_faults_are_seen_before_anything_starts(tmp_path) -> None:
    assert "is empty" in Command("").check()[0]
    assert "cannot be split" in Command("echo 'x").check()[0]
    assert "no program 'no-such-program'" in Command("no-such-program --x").check()[0]
    assert "timeout is 0" in Command("cat", timeout=0).check()[0]
    (tmp_path / "plain.txt").write_text("not a program")
    assert "no program" in Command((str(tmp_path / "plain.txt"),)).check()[0]


def test_conforms(program) -> None:
    corpus = small_corpus()
    pairs = list(zip(corpus.ids, corpus.texts, strict=True))
    command = program(
        f"pairs = {pairs!r}\n" + LOOP + "    words = set(q['query'].lower().split())\n"
        "    score = lambda n, t: len(words & set(t.lower().split())) + n / 100\n"
        "    found = [{'id': i, 'score': score(n, t)} for n, (i, t) in enumerate(pairs)]\n"
        "    say({'results': sorted(found, key=lambda r: -r['score'])[:q['k']]})"
    )
    check_retriever(Command(command))
