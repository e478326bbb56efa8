"""A judge favours answers of its own family."""

from collections.abc import Mapping

from ragbench.core.answers import AnswerSet
from ragbench.models.llm.family import shared_family


def answered_by(answers: AnswerSet) -> tuple[str, ...]:
    """The models that gave the answers, as far as the manifest or the answers' metadata (key ``model``) name them."""
    named = answers.manifest.get("model")
    found = [named.get("name")] if isinstance(named, Mapping) else [named]
    found += [item.metadata.get("model") for item in answers]
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str) and one.strip()))


def circular(answers: AnswerSet, judge: str) -> tuple[str, ...]:
    """A warning for each answering model that is of the judge's family; none where the models are not known."""
    return tuple(
        f"the judge {judge} and the answering model {model} are of one family ({known}): a judge likes what its own "
        "family writes. Let a model of another family judge, or check this one against people (ragbench judge check)"
        for model in answered_by(answers)
        if (known := shared_family(judge, model)) is not None
    )
