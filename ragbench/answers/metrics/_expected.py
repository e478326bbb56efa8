"""What a golden item expects of an answer."""

from ragbench.core.goldens import GoldenItem


def references(item: GoldenItem) -> tuple[str, ...]:
    """The reference answers: ``answer``, and those of the metadata key ``answers`` (as SQuAD files have them)."""
    others = item.metadata.get("answers")
    listed = [one for one in others if isinstance(one, str)] if isinstance(others, list | tuple) else []
    every = ([] if item.answer is None else [item.answer]) + listed
    return tuple(dict.fromkeys(one for one in every if one.strip()))


def unanswerable(item: GoldenItem) -> bool | None:
    """Whether abstaining is right; None where the golden set does not say.

    It is where the type is ``unanswerable`` or the metadata has ``is_impossible``;
    it is not where there is a reference answer or relevant evidence.
    """
    if item.type == "unanswerable" or item.metadata.get("is_impossible") is True:
        return True
    if references(item) or any(evidence.grade > 0 for evidence in item.evidence):
        return False
    return None
