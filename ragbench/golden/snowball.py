"""ISO 639-1 codes -> languages of the Snowball stemmers (https://snowballstem.org/algorithms/)."""

from collections.abc import Sequence

from ragbench.core.errors import SettingError

SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def masked_language(codes: Sequence[str]) -> tuple[str, str]:
    """The one language that sentences are masked in: its code and its Snowball name.

    Raises:
        SettingError: several codes (a sentence is in its document's language, so none can be asked for), or one
            without a stemmer.
    """
    if len(codes) > 1:
        raise SettingError(
            f"--languages {','.join(codes)}: without a model sentences stay in the language of their document; "
            "name one language, and run once for each: the review keeps the sentences that are in it"
        )
    (code,) = codes
    if code not in SNOWBALL:
        raise SettingError(
            f"--languages {code}: sentences cannot be masked in it without a model; these can: {', '.join(SNOWBALL)}"
        )
    return code, SNOWBALL[code]
