"""A planned batch -> one that its provider works on, whatever happens in between."""

from ragbench.core.errors import InputError
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.batch.base import BatchService
from ragbench.models.llm.batch.journal import Batch, Journal
from ragbench.models.llm.batch.patience import BatchRefused, patiently


def send(journal: Journal, batch: Batch, service: BatchService) -> Batch:
    """Upload the input file and begin the batch, from the step on where the journal ends.

    Raises:
        InputError: the provider refuses the batch; the journal says so, and its requests are free again.
        SettingError, ServiceDown: the same command goes on later.
    """
    name, path = batch.name, journal.file(batch.name, "input")
    try:
        if batch.step in ("planned", "uploading"):
            resumed = batch.step == "uploading"
            journal.note("uploading", name)
            upload = patiently(
                f"uploading {name}",
                lambda: service.upload(path, name),
                lambda: service.find_upload(path, name),
                look_first=resumed,
            )
            batch = journal.note("uploaded", name, upload=upload)
        if batch.step in ("uploaded", "creating"):
            upload, resumed = batch.upload, batch.step == "creating"
            journal.note("creating", name)
            id_ = patiently(
                f"creating {name}",
                lambda: service.create(name, upload),
                lambda: service.find(name, upload),
                look_first=resumed,
            )
            batch = journal.note("created", name, id=id_)
    except BatchRefused as error:
        journal.note("refused", name, reason=str(error))
        raise InputError(f"{batch.model} takes no batch of these {batch.lines} requests: {error}") from error
    return batch


def adopt(journal: Journal, batch: Batch, service: BatchService) -> Batch:
    """A batch that may have been begun when the process died: look for it, begin nothing."""
    if batch.step != "creating":
        return batch
    id_ = patiently(f"looking for {batch.name}", lambda: service.find(batch.name, batch.upload))
    return journal.note("created", batch.name, id=id_) if id_ else batch


def still_wanted(journal: Journal, batch: Batch, answers: AnswerStore) -> bool:
    """Whether nothing of a batch that was not begun has been answered in another way; if so, it is dropped.

    The requests of a dropped batch that are still open go into a new one.
    """
    if batch.step == "created":
        return True
    if any(answers.get(f"{batch.fingerprint}:{key}") for key, _ in journal.keys(batch.name)):
        journal.note("dropped", batch.name, reason="some of its requests were answered in another way")
        return False
    return True
