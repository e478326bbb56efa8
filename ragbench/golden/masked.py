"""Masked sentences: queries without a language model, by the inverse cloze task.

A sentence of a document becomes the query and is masked in the document; the
rest of the document is what a retriever must find. Of the sentences that stand
alone, the writer takes the one that shares the fewest content words with the
rest, because human queries share few words with what answers them, and a query
copied from its target makes every lexical retriever look perfect.

Reference: K. Lee, M.-W. Chang, K. Toutanova, "Latent Retrieval for Weakly
Supervised Open Domain Question Answering", ACL 2019, section 4: they train a
retriever on the inverse cloze task; here it evaluates retrievers.

Seed queries can say that this corpus's users do copy (`ragbench.golden.masked_seeds`).
Then a clause of a sentence is masked that is as long as a seed and shares as much.
"""

from collections.abc import Sequence

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.seeds import generator
from ragbench.golden.drafts import Draft
from ragbench.golden.masked_clauses import Clauses
from ragbench.golden.masked_pool import CLAUSE_WRITER, VERSION, WRITER, Pick, Pool
from ragbench.golden.masked_seeds import shape_of

WITHOUT_SEEDS = (
    "without ten or more queries of your users as seeds, each query is the sentence that shares the fewest words with "
    "the rest of its document: where people repeat the words of documents, lexical retrievers look worse than they are"
)
"""What such a set is worth, wherever one is made."""


def write(
    corpus: Corpus,
    chunks: Chunks,
    *,
    count: int | None = None,
    per_document: int | None = None,
    seed: int = 0,
    language: str = "english",
    like: Sequence[str] = (),
) -> list[Draft]:
    """Queries for a corpus, ordered by document.

    Each query masks its own sentence only; sentences are chosen as if all of
    them were masked together, as `ragbench.golden.corpus_without` does.

    Args:
        corpus: the documents.
        chunks: the pieces to ask about; sentences outside them are not taken.
        count: how many queries; documents are drawn with the seed, each once
            before any is asked about again.
        per_document: at most so many queries a document (default 1 without
            ``count``, else as many as it takes).
        seed: draws documents and decides between sentences of equal overlap.
        language: Snowball language of stemmer and stop words.
        like: queries as people ask them, thirty or more, without labels. Where they copy the words of the documents,
            clauses of their lengths and overlap are masked; else, or with fewer than ten, they change nothing.

    Returns:
        Drafts with their masked span, the whole document as evidence and
        ``provenance["source"]``, its id, beside ``provenance["writer"]`` and, for a clause, the ``"overlap"`` wanted;
        fewer than ``count`` where the corpus has no more sentences that qualify.

    Raises:
        SettingError: ``count`` or ``per_document`` below 1.
        InputError: no sentence of the corpus qualifies.
    """
    for name, value in (("count", count), ("per_document", per_document)):
        if value is not None and value < 1:
            raise SettingError(f"{name} is {value}; it must be at least 1")
    if count is None and per_document is None:
        per_document = 1
    pool = Pool.of(corpus, chunks, seed, language)
    clauses = Clauses.of(pool, language) if like else None
    shape = shape_of(clauses, like, seed, language) if clauses else None
    lengths = generator(seed, "struck", "lengths")
    provenance: dict[str, object] = {"writer": WRITER, "version": VERSION, "seed": seed}
    if shape is not None and shape.overlap is not None:
        provenance = {**provenance, "writer": CLAUSE_WRITER, "overlap": shape.overlap}
    taken: list[Pick] = []
    order = generator(seed, "struck", "documents").permutation(len(corpus))
    for _ in range(per_document if per_document is not None else pool.most):
        if clauses is not None and shape is not None and shape.overlap is not None:
            drawn = lengths.choice(shape.lengths, size=len(corpus))
            picks = clauses.pick(clauses.windows(drawn), shape.overlap)
        else:
            picks = pool.pick()
        chosen = [picks[document] for document in order.tolist() if document in picks]
        chosen = chosen if count is None else chosen[: count - len(taken)]
        pool.mask(chosen)
        taken += chosen
        if not chosen or len(taken) == count:
            break
    if not taken:
        raise InputError(
            "no sentence of the corpus can be masked: none stands alone in a document that says more than it. "
            "Are the documents prose, and longer than one sentence?"
        )
    return [pool.draft(pick, corpus, provenance) for pick in sorted(taken)]
