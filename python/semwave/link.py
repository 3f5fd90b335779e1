"""Bits: a channel code on a constellation, and image codecs, step by step."""
from __future__ import annotations

from typing import Any, Dict, NamedTuple, Tuple, Union

import numpy

from . import _semwave
from .arrays import taken
from .channel import Heard
from .ledger import Ledger


class Decoded(NamedTuple):
    bits: numpy.ndarray  # uint8 [frames, bits], 0 or 1
    held: numpy.ndarray  # bool [frames, blocks], whether the check of each code block holds
    iterations: numpy.ndarray  # int32 [frames, blocks], of a decoder that iterates, else 0


class Link:
    """A channel code on a constellation, by the keys of a scenario's `link`:

        semwave.Link({"code": "ldpc", "rate": "1/2", "length": 648, "modulation": "16-qam",
                      "block_bits": 1000, "crc": True})

    A frame is `bits` information bits, which become `air_bits` coded bits and `uses` symbols,
    in `blocks` code blocks. Arrays are C-contiguous, a frame a row. Raises Error where settings
    or arrays are wrong.
    """

    def __init__(self, settings: Dict[str, Any]) -> None:
        self._link = _semwave.Link(settings)
        self.settings: Dict[str, Any] = self._link.settings
        self.name: str = self._link.name  # "16-QAM 1/2 ldpc 648"
        self.bits: int = self._link.bits
        self.air_bits: int = self._link.air_bits
        self.uses: int = self._link.uses
        self.blocks: int = self._link.blocks
        self.ledger = Ledger(
            payload=self.uses - self._link.parity_uses, parity=self._link.parity_uses
        )

    def encode(self, bits: numpy.ndarray) -> numpy.ndarray:
        """uint8 [frames, bits] of 0 and 1 -> uint8 [frames, air_bits]: CRCs, code, interleaver,
        filling."""
        return self._link.encode(taken(bits, "bits"))

    def modulate(self, bits: numpy.ndarray) -> numpy.ndarray:
        """uint8 [frames, air_bits] -> complex64 [frames, uses] of mean power 1."""
        return self._link.modulate(taken(bits, "bits"))

    def demap(
        self, heard: Union[Heard, numpy.ndarray], gains: Any = 1.0, noise_variance: Any = None
    ) -> numpy.ndarray:
        """What was heard -> float32 [frames, air_bits], soft bits log P(0) - log P(1).

        heard: what Channel.apply gave, or complex64 [frames, uses] with gains (complex) and
            noise_variance, each of
        that shape or one number.
        """
        if isinstance(heard, Heard):
            return self._link.demap(heard.symbols, heard.gains, heard.noise_variance)
        symbols = taken(heard, "symbols")
        gains, noise_variance = taken(gains, "gains"), taken(noise_variance, "noise_variance")
        shape = numpy.shape(symbols)
        if not isinstance(gains, numpy.ndarray):
            gains = numpy.full(shape, gains, numpy.complex64)
        if not isinstance(noise_variance, numpy.ndarray):
            noise_variance = numpy.full(shape, noise_variance, numpy.float32)
        return self._link.demap(symbols, gains, noise_variance)

    def decode(self, soft: numpy.ndarray) -> Decoded:
        """float32 [frames, air_bits] -> what was sent, as far as it can be told."""
        return Decoded(*self._link.decode(taken(soft, "soft")))

    def __repr__(self) -> str:
        return f"semwave.Link({self.settings!r})"


class Codec:
    """An image codec: "jpeg", "webp", "heic", or what else is registered.

    A stream holds what must be sent: markers, sizes and tables that both ends know are left out.
    """

    def __init__(self, settings: Union[str, Dict[str, Any]]) -> None:
        self._codec = _semwave.Codec(settings)
        self.settings: Dict[str, Any] = self._codec.settings

    def encode(self, picture: numpy.ndarray, quality: int) -> bytes:
        """picture: uint8 [height, width, channels] of 1 or 3 channels. quality: 0 the worst,
        100 the best."""
        return self._codec.encode(taken(picture, "picture"), quality)

    def decode(self, stream: bytes, shape: Tuple[int, int, int]) -> numpy.ndarray:
        """uint8 of this shape. Raises Error where the stream is no picture of it."""
        return self._codec.decode(stream, *shape)
