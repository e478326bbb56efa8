"""Rubrics: a criterion in words, and a scale with a description of each score.

    name: helpfulness
    criterion: How well does the answer help the person who asked?
    scale:
      1: It does not reply to the question.
      2: It replies to a part of the question.
      3: It replies to the whole question.
    shows: [sources]

A rubric is a YAML file with these keys, or one that comes with ragbench (`shipped_rubrics`). Only the scores of the
scale are allowed, and higher scores are better unless ``lower_is_better: true`` says otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.fingerprint import fingerprint
from ragbench.io.files import read_yaml

Shown = Literal["sources", "reference"]
FOLDER = Path(__file__).parent / "rubrics"
KEYS = ("name", "criterion", "scale", "shows", "lower_is_better")
MOST_SCORES, LARGEST = 21, 1000
"""The most scores of a scale, and the largest score."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@brief
@dataclass(frozen=True)
class Rubric:
    """A criterion in words, and a scale with a description of each score.

    Attributes:
        name: the name of the metric.
        criterion: what the judge looks at, in words.
        scale: description by score, from the lowest score to the highest; an empty text for a score without one.
        shows: what the judge sees beside question and answer.
        lower_is_better: whether low scores are better.

    Raises:
        InputError: a part is missing or cannot be used; the message names it.
    """

    name: str
    criterion: str
    scale: Mapping[int, str]
    shows: Sequence[Shown] = ()
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"rubric {self.name!r:.80}: the name must be lower-case letters, digits, - and _, as in tone_of_voice"
            )
        if not self.criterion.strip():
            raise InputError(f"rubric {self.name!r}: 'criterion' is empty; say in words what the judge looks at")
        if not 2 <= len(self.scale) <= MOST_SCORES:
            raise InputError(
                f"rubric {self.name!r}: 'scale' has {len(self.scale)} scores; give 2 to {MOST_SCORES}, as in "
                "{1: poor, 2: fair, 3: good}"
            )
        object.__setattr__(self, "scale", dict(sorted(self.scale.items())))
        object.__setattr__(self, "shows", tuple(dict.fromkeys(self.shows)))

    @property
    def scores(self) -> tuple[int, ...]:
        """The scores of the scale, in ascending order."""
        return tuple(self.scale)

    @property
    def range(self) -> tuple[int, int]:
        """The lowest and the highest score."""
        return self.scores[0], self.scores[-1]

    @property
    def written_scale(self) -> str:
        """The scale in lines, from the highest score to the lowest."""
        return "\n".join(
            f"{score}: {text}" if text else str(score) for score, text in reversed(tuple(self.scale.items()))
        )

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of everything that a judge reads of it."""
        scale = [[score, text] for score, text in self.scale.items()]
        return fingerprint([self.name, self.criterion, scale, list(self.shows), self.lower_is_better])


def shipped_rubrics() -> tuple[str, ...]:
    """Names of the rubrics that come with ragbench."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read_rubric(given: Path | str) -> Rubric:
    """Read a rubric by its name, if it comes with ragbench, or from a YAML file.

    Raises:
        InputError: there is no such file, or it is no rubric. The message names the file and the key.
    """
    path = Path(given)
    if str(given) in shipped_rubrics():
        path = FOLDER / f"{given}.yaml"
    elif not path.is_file():
        near = did_you_mean(str(given), shipped_rubrics())
        raise InputError(f"{given}: no such file, and no rubric of ragbench has this name{near}")
    try:
        return rubric_of(read_yaml(path))
    except InputError as error:
        raise error if str(error).startswith(str(path)) else InputError(f"{path}: {error}") from error


def rubric_of(content: Any) -> Rubric:
    """Make a rubric from the values of a YAML file.

    Raises:
        InputError: a key is unknown or missing, or a value cannot be used.
    """
    if not isinstance(content, Mapping):
        raise InputError("a rubric needs the keys name, criterion and scale")
    for key in content:
        if key not in KEYS:
            raise InputError(f"unknown key {str(key)!r:.60}{did_you_mean(str(key), KEYS)}")
    missing = [key for key in KEYS[:3] if content.get(key) is None]
    if missing:
        raise InputError(f"the key {missing[0]!r} is missing; a rubric needs name, criterion and scale")
    lower = content.get("lower_is_better", False)
    if not isinstance(lower, bool):
        raise InputError(f"'lower_is_better' must be true or false, it is {lower!r:.60}")
    return Rubric(_text(content, "name"), _text(content, "criterion"), _scale(content["scale"]), _shows(content), lower)


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be text, it is {value!r:.60}")
    return value.strip()


def _scale(value: object) -> dict[int, str]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"'scale' must be scores with a description each, as in {{1: poor, 2: good}}; it is {value!r:.60}"
        )
    found = {}
    for score, text in value.items():
        if isinstance(score, bool) or not isinstance(score, int) or abs(score) > LARGEST:
            raise InputError(f"'scale': the score {score!r:.60} must be a whole number of at most {LARGEST:,}")
        if not isinstance(text, str | None):
            raise InputError(f"'scale': the description of {score} must be text, it is {text!r:.60}; put it in quotes")
        found[score] = " ".join((text or "").split())
    return found


def _shows(content: Mapping[str, Any]) -> tuple[Shown, ...]:
    value = content.get("shows") or []
    allowed = get_args(Shown)
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise InputError(f"'shows' must be a list of {' and '.join(allowed)}, it is {value!r:.60}")
    for one in listed:
        if one not in allowed:
            raise InputError(f"'shows': {one!r:.60} is not known{did_you_mean(str(one), allowed)}")
    return tuple(listed)
