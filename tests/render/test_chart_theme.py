"""The colours, by the formulas of WCAG 2.2, Machado et al. 2009 and Ottosson's OKLab."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.core.verdicts import Decision
from ragbench.render.charts.theme import (
    BACKGROUND,
    COLOURS,
    DASHES,
    DECISION_SHAPES,
    DECISIONS,
    SHAPES,
    SYSTEMS,
    TEXT,
    Theme,
    config,
)

THEMES: tuple[Theme, ...] = ("light", "dark")
SIGHT = {
    "normal": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
Colour = npt.NDArray[np.float64]


def linear(colour: str) -> Colour:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def oklab(rgb: Colour) -> Colour:
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(cones @ np.clip(rgb, 0, 1))


def test_the_formulas_give_known_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert oklab(linear("#ffffff")) == pytest.approx([1, 0, 0], abs=1e-4)


@pytest.mark.parametrize("theme", THEMES)
def test_marks_and_text_stand_out_from_the_page(theme: Theme) -> None:
    page = BACKGROUND[theme]
    assert min(contrast(colour, page) for colour in COLOURS[theme]) >= 3
    text, quiet, _ = TEXT[theme]
    assert min(contrast(text, page), contrast(quiet, page)) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_colours_are_told_apart(theme: Theme, sight: str) -> None:
    seen = [oklab(np.array(SIGHT[sight]) @ linear(colour)) for colour in COLOURS[theme]]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) >= 0.1


def test_twelve_systems_look_different_without_colour() -> None:
    assert len(set(SHAPES)) == SYSTEMS == len(SHAPES)
    looks = {(COLOURS["light"][i % 6], DASHES[i // 6]) for i in range(SYSTEMS)}
    assert len(looks) == SYSTEMS


def test_every_decision_has_a_look() -> None:
    assert set(DECISIONS) == set(Decision.__args__)
    assert len(set(DECISION_SHAPES)) == len(DECISIONS)
    for theme in THEMES:
        assert len(config(theme)["range"]["ordinal"]) == len(DECISIONS)
