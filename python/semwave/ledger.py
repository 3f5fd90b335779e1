"""Channel uses, each share by itself; and what a header costs."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Dict, NamedTuple, Sequence

from . import _semwave


@dataclass
class Ledger:
    """Channel uses of one image (docs/conventions.md). Ledgers add up."""

    payload: int = 0
    header: int = 0
    pilots: int = 0
    parity: int = 0
    prefix: int = 0

    @property
    def total(self) -> int:
        return self.payload + self.header + self.pilots + self.parity + self.prefix

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(**{key: value + getattr(other, key) for key, value in asdict(self).items()})

    def as_dict(self) -> Dict[str, int]:
        """The shares and the total, as a row's channel_uses."""
        return {**asdict(self), "total": self.total}

    def cbr(self, values: int) -> float:
        """All uses per source value: height x width x channels of them."""
        return self.total / values


class Header(NamedTuple):
    format: str  # "QPSK 1/2"
    uses: int
    loss: float  # predicted share of headers that are lost


def header(bits: Sequence[int], snr_db: float) -> Header:
    """What side information costs: its parts of so many bits, each with its own CRC, in the
    cheapest of the four formats whose predicted loss is at most 1e-3 at this SNR, the most
    robust where none is."""
    return Header(**_semwave.header(list(bits), snr_db))
