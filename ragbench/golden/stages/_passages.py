"""What an examiner is shown beside a query."""

from collections.abc import Sequence

from ragbench import plugins
from ragbench.core.queries import Query
from ragbench.golden.drafts import Draft
from ragbench.golden.stages.base import ReviewContext


def passages_for(drafts: Sequence[Draft], context: ReviewContext, nearest: int) -> list[list[str]]:
    """The chunks each draft was written from; for queries without an answer also the nearest that BM25 finds."""
    chunks = context.chunks
    own = [list(draft.chunk_ids) for draft in drafts]
    open_ = [at for at, draft in enumerate(drafts) if draft.type == "unanswerable"]
    if open_:
        index = plugins.build(plugins.RETRIEVERS, "bm25").index(chunks, context.context)
        run = index.search([Query(drafts[at].id, drafts[at].text) for at in open_], nearest)
        for place, at in enumerate(open_):
            own[at] += [id_ for id_, _ in run.ranking(place) if id_ not in own[at]]
    return [[chunks[chunks.row[id_]].content for id_ in ids] for ids in own]
