"""Find the weights of a model of this process. A pickle is never opened: loading one can run code."""

import json
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.models.weights import file_fingerprint, folder_fingerprint

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken")
"""What is fetched from the hub: weights as safetensors, the configuration and the tokenizer, but no code."""


@dataclass(frozen=True)
class Weights:
    """Weights on disk.

    Attributes:
        place: a folder with safetensors, or a GGUF file.
        identity: fingerprint of the bytes, or name and commit on the hub.
    """

    place: Path
    identity: str


def find_weights(name: str, model: str, revision: str) -> Weights:
    """Find a folder with safetensors, a GGUF file, or a name on the Hugging Face hub.

    Raises:
        SettingError: there are none, or they are a pickle.
    """
    place = Path(model).expanduser()
    if place.is_file():
        return find_gguf(name, model)
    if place.is_dir():
        _check_folder(name, place)
        return Weights(place, folder_fingerprint(place))
    if model.startswith(("/", ".", "~")) or model.count("/") != 1 or model.lower().endswith(".gguf"):
        raise SettingError(
            f"language model {name!r}: there is no file or folder {model!r}; name a folder with safetensors, a GGUF "
            "file, or a model of the Hugging Face hub as owner/name"
        )
    return _of_hub(name, model, revision)


def find_gguf(name: str, model: str) -> Weights:
    """Find a GGUF file.

    Raises:
        SettingError: it is not there, or no GGUF file.
    """
    place = Path(model).expanduser()
    if not place.is_file():
        raise SettingError(f"language model {name!r}: there is no file {model!r}; name a GGUF file")
    with place.open("rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        raise SettingError(
            f"language model {name!r}: {model} is no GGUF file; weights are read from safetensors and GGUF only"
        )
    return Weights(place, file_fingerprint(place))


def _check_folder(name: str, folder: Path) -> None:
    """Check that the folder has all weights as safetensors.

    Raises:
        SettingError: it does not.
    """
    there = {path.name for path in folder.iterdir()}
    if not (folder / "config.json").is_file():
        raise SettingError(f"language model {name!r}: {folder} has no config.json, so it is no model of transformers")
    missing = sorted(_shards(folder) - there)
    if missing:
        raise SettingError(f"language model {name!r}: {folder} lacks {missing[0]}; copy or download the model again")
    if any(file.endswith(".safetensors") for file in there):
        return
    pickles = sorted(file for file in there if file.endswith(PICKLES))
    if pickles:
        raise SettingError(
            f"language model {name!r}: {folder} has its weights in {pickles[0]}, a pickle, which can run code when it "
            "is loaded; use a copy with safetensors, or save one by save_pretrained() on a machine that may open it"
        )
    raise SettingError(f"language model {name!r}: {folder} has no *.safetensors file")


def _shards(folder: Path) -> set[str]:
    """Names of the files that an index of several weight files lists."""
    index = folder / "model.safetensors.index.json"
    try:
        found = json.loads(index.read_bytes())["weight_map"] if index.is_file() else {}
        return {str(file) for file in found.values()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return set()


def _of_hub(name: str, model: str, revision: str) -> Weights:
    """A model of the hub: the copy on this machine, otherwise a download."""
    import huggingface_hub

    def fetch(commit: str | None, *, local: bool) -> Path:
        return Path(
            huggingface_hub.snapshot_download(
                model, revision=commit, allow_patterns=list(WANTED), local_files_only=local
            )
        )

    try:
        folder = fetch(revision or None, local=True)
        _check_folder(name, folder)
    # The library has a dozen errors for what a cache lacks. A copy that is not whole is fetched too.
    except Exception:
        try:
            folder = fetch(revision or None, local=False)
        # And more for networks, names, permissions and disks.
        except Exception as error:
            first = " ".join(str(error).split())[:300]
            raise SettingError(
                f"language model {name!r} is not on this machine and cannot be fetched from the Hugging Face hub: "
                f"{type(error).__name__}: {first}. Check the name and the network, or name a folder that has the model"
            ) from error
        _check_folder(name, folder)
    return Weights(folder, f"{model}@{folder.name}")
