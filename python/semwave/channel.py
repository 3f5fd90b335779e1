"""Channels: fading and noise on the symbols of any model, by the draws of the simulator
(docs/conventions.md).

One complex symbol is one channel use. A symbol of power 1 meets noise of variance 10 **
(-snr_db / 10).
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Union, overload

import numpy

from . import _semwave
from ._semwave import Fading
from .arrays import taken
from .errors import mistake
from .ledger import Ledger

__all__ = ["Channel", "Equalised", "Fading", "Heard", "States"]
if TYPE_CHECKING:
    from .model import HeardBurst, Sent

Kind = Union[str, Dict[str, Any]]


class States(NamedTuple):
    """What the transmitter believes of each link."""

    snr_db: numpy.ndarray  # float64 [images], the gain included where it is known
    age: numpy.ndarray  # int32 [images], bursts since that was learned
    how: str  # perfect, estimated, delayed, quantised, none


class Equalised(NamedTuple):
    symbols: numpy.ndarray  # complex64, the shape of what was heard
    variance: numpy.ndarray  # float32, the variance of the error that each is left with
    slope: Optional[numpy.ndarray] = None  # complex64, the factor that each was multiplied by


class Heard:
    """What arrived: y = slope x + noise.

    symbols: complex64 [images, symbols], y. gains: complex64, the gains as the receiver knows
        them.
    noise_variance: float32, of each symbol, the error of its gain on top. mean_gain: float64
        [images], mean |h|^2.
    erased: bool, True where a symbol is known not to have arrived; None where this channel
        loses nothing.
    slope: complex64, dy/dx of each symbol, where it was asked for; else None.
    """

    def __init__(self, heard: Any) -> None:
        self.symbols: numpy.ndarray = heard.symbols
        self.gains: numpy.ndarray = heard.gains
        self.noise_variance: numpy.ndarray = heard.noise_variance
        self.mean_gain: numpy.ndarray = heard.mean_gain
        self.erased: Optional[numpy.ndarray] = heard.erased
        self.slope: Optional[numpy.ndarray] = heard.slope
        self._heard = heard

    @property
    def uses(self) -> List[Ledger]:
        """Channel uses of each image: payload, pilots, prefix."""
        return [Ledger(**one) for one in self._heard.uses]

    def equalise(self, kind: Kind = "mmse", *, slope: bool = False) -> Equalised:
        """Symbols with the channel undone, and the variance of their error: `mmse`, `zf`, or
        what else is registered."""
        return Equalised(
            *_semwave.equalise(self.symbols, self.gains, self.noise_variance, kind, slope)
        )


class Channel:
    """A channel by its settings, as a scenario says them: {"kind": "rayleigh", "snr_db": 10},
    or "awgn" alone.

    Raises Error where the settings are wrong. May be used by several threads at once.
    """

    def __init__(self, settings: Kind) -> None:
        self._channel = _semwave.Channel(settings)

    @classmethod
    def _of(cls, channel: Any) -> "Channel":
        made = cls.__new__(cls)
        made._channel = channel
        return made

    @property
    def settings(self) -> Dict[str, Any]:
        """With every default filled in."""
        return self._channel.settings

    def __repr__(self) -> str:
        return f"semwave.Channel({self.settings!r})"

    def realise(
        self,
        images: Sequence[int],
        seed: int = 1,
        visit: int = 0,
        *,
        snr_db: Union[None, float, Sequence[float]] = None,
    ) -> Fading:
        """The fades that these images meet, before anything is sent.

        images: ids, 0 to 2^32 - 1; each is a link by itself. seed: that of the scenario. visit:
            repeat or slot.
        snr_db: the mean SNR, of all or one each, instead of the channel's. The draws are those
            of `semwave run`.
        """
        return self._channel.realise(images, seed, visit, snr_db)

    def observe(self, fading: Fading) -> States:
        """What the transmitter believes before it plans, by `csi.transmitter` of the channel."""
        return States(*self._channel.observe(fading))

    @overload
    def apply(self, x: "Sent") -> "HeardBurst":
        ...

    @overload
    def apply(
        self,
        x: numpy.ndarray,
        images: Optional[Sequence[int]] = None,
        seed: int = 1,
        visit: int = 0,
        *,
        fading: Optional[Fading] = None,
        snr_db: Union[None, float, Sequence[float]] = None,
        places: Optional[Sequence[int]] = None,
        out: Optional[numpy.ndarray] = None,
        slope: bool = False,
    ) -> Heard:
        ...

    def apply(
        self,
        x: Any,
        images: Optional[Sequence[int]] = None,
        seed: int = 1,
        visit: int = 0,
        *,
        fading: Optional[Fading] = None,
        snr_db: Union[None, float, Sequence[float]] = None,
        places: Optional[Sequence[int]] = None,
        out: Optional[numpy.ndarray] = None,
        slope: bool = False,
    ) -> Any:
        """Symbols through fading and noise.

        x: complex64 [images, symbols], C-contiguous, finite; not copied, and not scaled: its
            power is the caller's. An array of NumPy, or by DLPack of another library, as a
            tensor of PyTorch.
        images, seed, visit, snr_db: as for realise(); the default ids are 0, 1, 2, ... fading:
            instead of these, what realise() gave. places: [symbols] what keys the noise of each
            symbol, default 0, 1, 2, ...
        out: complex64 of the shape of x, which y is written to; it may be x itself. Where x
            holds NaN, it is written to before the Error is raised.
        slope: gives dy/dx, too.

        x may also be what Model.transmit() sent, header and all, without any other argument;
        the answer is a HeardBurst. Its fades are those it was planned for where it goes through
        the model's own channel.

        An image's symbols are heard alike whatever images stand beside it. Raises Error naming
        the argument.
        """
        sent = getattr(x, "_sent", None)
        if sent is not None:
            from .model import HeardBurst

            return HeardBurst(_semwave.apply_burst(self._channel, sent))
        if fading is None:
            fading = self.realise(
                range(len(x)) if images is None else images, seed, visit, snr_db=snr_db
            )
        elif images is not None or snr_db is not None:
            raise mistake("fading", "was given beside images or snr_db, which it holds already")
        return Heard(
            self._channel.apply(
                taken(x, "x"), fading, places, taken(out, "out", written=True), slope
            )
        )

    def uses(self, ledger: Ledger) -> Ledger:
        """Channel uses of an image that sends so many symbols: whole uses of several antennas,
        OFDM symbols with their prefixes, and the pilots of both ends."""
        return Ledger(**self._channel.uses(ledger.payload, ledger.header, ledger.parity))
