"""Every long command under every fault."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cells import FAULTS, Bench, bench
from tests.faults.commands import COMMANDS, Command
from tests.faults.table import PAGE, table

pytest.importorskip("fastapi", reason="pip install 'ragbench[view]'")
QUICK = {("generate (model)", "kill"), ("answer (model)", "corrupted store"), ("gate", "read-only folder")}
"""The cells of ``make test``."""
WHOLE_ROWS = {"generate (model)", "eval (bm25)", "answer (service)"}
"""``make test-all`` runs these rows and the first column; ``make faults`` runs every cell."""


def marks(command: Command, fault: str) -> list[pytest.MarkDecorator]:
    if (command.name, fault) in QUICK:
        return []
    return [pytest.mark.slow] if command.name in WHOLE_ROWS or fault == "kill" else [pytest.mark.long]


CELLS = [
    pytest.param(command, fault, id=f"{command.name}: {fault}", marks=marks(command, fault))
    for command in COMMANDS for fault in FAULTS if fault not in command.senseless
]  # fmt: skip


@pytest.fixture(scope="module")
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    many = any(
        item.path == request.path and (item.get_closest_marker("slow") or item.get_closest_marker("long"))
        for item in request.session.items
    )
    with bench(tmp_path_factory.mktemp("faults"), warm_up=many) as made:
        yield made


@pytest.mark.parametrize(("command", "fault"), CELLS)
def test_a_fault(command: Command, fault: str, ready: Bench) -> None:
    FAULTS[fault](ready, command, random.Random(f"{command.name} {fault}"))


def test_the_page_has_every_cell() -> None:
    assert table() in Path(PAGE).read_text("utf-8")


def test_every_long_command_is_declared() -> None:
    """Others read, list or write at once: they have nothing to lose."""
    from ragbench.workflows import WORKFLOWS

    instant = {"plan", "ab", "baseline list", "baseline show", "baseline history", "data check", "data list", "doctor",
               "endpoint check", "experiments", "export labels", "export pairs", "export triplets",
               "golden corpus", "golden review export",
               "golden review import", "index", "ingest traces", "jobs submit", "jobs status", "jobs logs",
               "jobs stop", "judge sheet",
               "seeds", "train fusion", "wattbot score"}  # fmt: skip
    declared = {command.name.partition(" (")[0] for command in COMMANDS}
    assert {one.command for one in WORKFLOWS} - instant == declared - {"view"}
    for command in COMMANDS:
        assert command.senseless.keys() <= FAULTS.keys()
