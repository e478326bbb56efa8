"""What users read most, word for word; elsewhere tests assert codes, keys and numbers."""

from pathlib import Path
from typing import Any

import pytest

from tests.messages.shown import Message, prepare, read_catalogue

FILES, MESSAGES = read_catalogue()


@pytest.fixture(scope="module")
def folder(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("messages")
    prepare(made, FILES, ragbench)
    return made


@pytest.mark.parametrize("message", MESSAGES, ids=[f"{at:02}-{one.words[0]}" for at, one in enumerate(MESSAGES)])
def test_it_says_what_the_catalogue_holds(ragbench: Any, folder: Path, message: Message) -> None:
    done = ragbench(*message.words, cwd=folder)
    assert message.lines(done.code, done.out, done.err) == message.shows
    assert done.code == message.code, done.out + done.err


def test_messages_fit_the_catalogue() -> None:
    assert len(MESSAGES) >= 60
    assert len({one.command for one in MESSAGES}) == len(MESSAGES)
    assert all(one.code in (0, 1, 2, 3) for one in MESSAGES)
