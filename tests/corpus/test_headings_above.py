"""The headings that a part of a document stands under."""

from ragbench.corpus.boundaries import headings_above

TEXT = """Preface.

# Tents #

Intro.

## Care

Dry it.

### Storage

Cool.

Repair
------

Sew it.

```
# no heading
code
```
"""


def above(words: str) -> tuple[str, ...]:
    return headings_above(TEXT, TEXT.index(words))


def test_headings_of_all_levels_in_order() -> None:
    assert above("Preface") == ()
    assert above("Intro") == ("Tents",)
    assert above("Dry") == ("Tents", "Care")
    assert above("Cool") == ("Tents", "Care", "Storage")
    assert above("Sew") == above("code") == ("Tents", "Repair")


def test_a_part_that_begins_with_a_heading_stands_under_those_above_its_level() -> None:
    assert above("# Tents") == ()
    assert above("## Care") == ("Tents",)
    assert above("Repair") == ("Tents",)
    assert above("\n### Storage") == ("Tents", "Care"), "white space before it does not count"
