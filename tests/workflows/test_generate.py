"""The models of a run, and a review stage from elsewhere that asks one."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import Job, build_stages, plan
from ragbench.golden.review import review
from ragbench.golden.stages.base import ReviewContext, Stage
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.prompt import Filled, Prompt
from ragbench.models.llm.roles import ModelOptions, Models
from ragbench.workflows.generate import Options, Prepared, choose, parts_of

CRITIC = Prompt("critic", 1, "You are a critic.", "Is it good?\n{query}", None, max_tokens=20)


@dataclass(frozen=True)
class Critic(Stage):
    """A stage of a third party: one class, nothing else."""

    role: ClassVar[str | None] = "critic"
    prompts: ClassVar[tuple[Prompt, ...]] = (CRITIC,)
    overrules: ClassVar[str | None] = "length"

    def usual_request(self, draft: Draft, passages: Sequence[str], seed: int) -> Request:
        return CRITIC.request(Filled({}, {"query": draft.text}), seed=seed)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        answers = await context.ask("critic", [self.usual_request(draft, (), context.seed) for draft in drafts])
        return [Opinion("critic", answer.value == "yes", str(answer.value)) for answer in answers]


@pytest.fixture
def critic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage is installed, under the name that its distribution gives it."""
    build = plugins.build

    def found(kind: plugins.Kind, spec: Any, *more: Any) -> Any:
        return Critic() if kind == plugins.STAGES and spec == "critic" else build(kind, spec, *more)

    monkeypatch.setattr(plugins, "build", found)


def options(**more: Any) -> Options:
    return Options(Path("corpus.jsonl"), out=Path("out"), llm="openai:writer", base_url="http://localhost:1/v1", **more)


def test_a_role_without_a_model_of_its_own_has_the_judges(critic: None) -> None:
    stages = ("judge", "critic", "reconsider")
    assert choose(options(stages=stages)).models.models == dict.fromkeys(
        ("draft", "judge", "critic", "reconsider"), "openai:writer"
    )
    assert choose(options(stages=stages, judge="openai:j", role={"critic": "openai:c"})).models.models == {
        "draft": "openai:writer", "judge": "openai:j", "critic": "openai:c", "reconsider": "openai:j",
    }  # fmt: skip
    # A model that no stage asks is not connected.
    assert choose(options(stages=("critic",), judge="openai:j")).models.models == {
        "draft": "openai:writer", "critic": "openai:j",
    }  # fmt: skip


def test_roles_that_cannot_be_used_are_refused(critic: None) -> None:
    with pytest.raises(SettingError, match=r"role=: no stage has the role 'critik'; there are: critic"):
        choose(options(stages=("critic",), role={"critik": "openai:c"}))
    with pytest.raises(SettingError, match=r"judge is given by judge= as well"):
        choose(options(stages=("judge",), judge="openai:j", role={"judge": "openai:c"}))
    with pytest.raises(SettingError, match=r"'critic' needs a language model: name one by role= critic=MODEL"):
        choose(Options(Path("c"), out=Path("o"), stages=("critic",)))
    with pytest.raises(SettingError, match=r"role= needs a model that writes: name one by llm="):
        Options(Path("c"), role={"critic": "openai:c"})


def test_stages_that_need_a_model_are_skipped_unless_they_are_named() -> None:
    assert "judge" not in [name for name, _ in choose(Options(Path("c"), out=Path("o"))).stages]
    with pytest.raises(SettingError, match="'judge' needs a language model: name one by judge="):
        choose(Options(Path("c"), out=Path("o"), stages=("length", "judge")))
    assert [name for name, _ in choose(options(judge="none")).stages].count("judge") == 0


TEXT = "The kettle holds 1.7 litres."
DOCUMENTS = Corpus((Document("d0", TEXT, "A kettle"),))
CHUNKS = Chunks.of([Chunk("d0#0", "d0", TEXT, 0, len(TEXT), "A kettle")])


class Writer:
    """Says yes to queries that name the kettle."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer("yes" if "kettle" in str(request) else "no")


def test_a_stage_from_elsewhere_asks_and_overrules(critic: None) -> None:
    asker = Writer()
    seen = ReviewContext(DOCUMENTS, CHUNKS, {"critic": asker}, 0, Context())
    long = " ".join(["kettle"] * 60)
    drafts = [Draft(text, text, "question", None, (), ("d0#0",)) for text in (long, "a lamp", "the kettle")]
    done = asyncio.run(review(drafts, build_stages(("length", "critic")), seen))
    assert [[opinion.stage for opinion in draft.opinions] for draft in done] == [["length", "critic"]] * 3
    assert [draft.rejected_by for draft in done] == [None, "critic", None]
    assert len(asker.asked) == 3


def test_the_run_is_bound_to_the_prompts_of_its_stages_and_counts_their_calls(
    critic: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    prompts, calls = {}, {}
    for stages in (("length",), ("length", "critic"), ("length", "judge")):
        choices = choose(options(stages=stages, per_chunk=2))
        models = Models(ModelOptions(choices.models.models, choices.models.calls))
        job = Job(DOCUMENTS, CHUNKS, range(1), (), choices.settings, {}, choices.models.models)
        prompts[stages] = list(json.loads(json.dumps(parts_of(Prepared(job, choices.stages, []), models)["prompts"])))
        calls[stages] = {
            role: found.calls for role, found in plan(job, choices.stages, models.clients, Context()).items()
        }
        models.close()
    assert [[one.partition("/")[0] for one in found] for found in prompts.values()] == [
        ["draft"], ["draft", "critic"], ["draft", "judge"],
    ]  # fmt: skip
    assert [set(found) for found in calls.values()] == [{"draft"}, {"draft", "critic"}, {"draft", "judge"}]
    assert calls[("length", "critic")]["critic"] == 2


def test_the_stage_of_the_guide_works() -> None:
    page = (Path(__file__).parents[2] / "docs/guides/plugins.md").read_text("utf-8")
    (block,) = (part.partition("```")[0] for part in page.split("```python\n") if "class Polite(Stage)" in part)
    found: dict[str, Any] = {"__name__": "my_stages"}
    exec(block, found)
    stage = found["Polite"]()
    seen = ReviewContext(DOCUMENTS, CHUNKS, {"tone": Writer()}, 0, Context())
    drafts = [Draft(text, text, "question", None, (), ("d0#0",)) for text in ("a lamp", "the kettle")]
    done = asyncio.run(review(drafts, [("polite", stage)], seen))
    assert [draft.rejected_by for draft in done] == ["polite", None]
