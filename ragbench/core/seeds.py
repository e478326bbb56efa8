"""Randomness is passed in: one seed, and a generator of its own for each named purpose."""

import hashlib

import numpy as np


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """A generator that depends on the seed and the purpose only.

    Two purposes never share a stream, so that adding a draw in one place
    changes no number in another.
    """
    digest = hashlib.blake2b("\0".join(purpose).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
