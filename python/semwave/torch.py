"""Channels inside PyTorch: forward by the draws of the simulator, backward by the channel's own
derivative.

Every symbol that is heard depends on the one that was sent in its place, y = slope x + noise,
and the gradient of x is conj(slope) times that of y. What other symbols leave behind in one
(several antennas, OFDM beyond the prefix) counts as noise there, as in the training of semwave
itself.
"""
from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Sequence, Tuple, Union

import numpy
import torch

from . import channel as _channel
from .errors import mistake
from .network import Network

__all__ = ["Channel", "Network", "Passed", "apply", "link"]


class Passed(NamedTuple):
    """Tensors of the shape of what was sent; gradients flow through `symbols` alone."""

    symbols: torch.Tensor  # complex64
    gains: torch.Tensor  # complex64, as the receiver knows them; of equalised symbols 1
    noise_variance: torch.Tensor  # float32


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, send):
        y, gains, variance, slope = send(x)
        ctx.save_for_backward(slope)
        ctx.mark_non_differentiable(gains, variance)
        return y, gains, variance

    @staticmethod
    def backward(ctx, gradient, *_):
        (slope,) = ctx.saved_tensors
        return gradient * slope.conj(), None


def apply(
    channel: _channel.Channel,
    x: torch.Tensor,
    images: Optional[Sequence[int]] = None,
    seed: int = 1,
    visit: int = 0,
    *,
    equaliser: Optional[_channel.Kind] = None,
    snr_db: Union[None, float, Sequence[float]] = None,
) -> Passed:
    """Symbols x, complex64 [images, ...], or float32 [images, ..., 2] of I and Q, through a
    semwave.Channel.

    images, seed, visit, snr_db: as for semwave.Channel.apply. equaliser: None, or the name of
        one: symbols are equalised,
    and noise_variance is that of their error. A tensor of a GPU is heard there; the draws are
    made on the processor. Raises Error naming the argument.
    """
    if not isinstance(x, torch.Tensor):
        raise mistake("x", f"must be a tensor, found {type(x).__name__}")
    if x.dtype == torch.float32 and x.dim() >= 2 and x.shape[-1] == 2:
        passed = apply(
            channel,
            torch.view_as_complex(x.contiguous()),
            images,
            seed,
            visit,
            equaliser=equaliser,
            snr_db=snr_db,
        )
        return passed._replace(symbols=torch.view_as_real(passed.symbols))
    if x.dtype != torch.complex64 or x.dim() < 1:
        raise mistake(
            "x",
            "must be complex64 [images, ...] or float32 [images, ..., 2], "
            f"found {x.dtype} {list(x.shape)}",
        )

    def send(sent: torch.Tensor):
        # resolve_conj: a conjugated view has not the numbers in memory that it shows.
        rows = sent.detach().resolve_conj().cpu().reshape(len(sent), -1).contiguous().numpy()
        heard = channel.apply(rows, images, seed, visit, snr_db=snr_db, slope=True)
        if equaliser is None:
            made = heard.symbols, heard.gains, heard.noise_variance, heard.slope
        else:
            equalised = heard.equalise(equaliser, slope=True)
            assert equalised.slope is not None and heard.slope is not None  # asked for
            slope = equalised.slope * heard.slope
            made = equalised.symbols, numpy.ones_like(heard.gains), equalised.variance, slope
        return tuple(torch.from_numpy(array).reshape(sent.shape).to(sent.device) for array in made)

    return Passed(*_Pass.apply(x, send))


def link(
    channel: _channel.Channel,
    images: Optional[Sequence[int]] = None,
    seed: int = 1,
    visit: int = 0,
    equaliser: _channel.Kind = "mmse",
) -> Callable[[torch.Tensor], Tuple[torch.Tensor, torch.Tensor]]:
    """A channel as the `link` of a Network: symbols in, equalised symbols and the variance of
    their error out."""

    def through(symbols: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        passed = apply(channel, symbols, images, seed, visit, equaliser=equaliser)
        return passed.symbols, passed.noise_variance

    return through


class Channel(torch.nn.Module):
    """A layer that sends its input, equalises it, and lets gradients through.

    settings: of the channel, as for semwave.Channel. equaliser: None or the name of one.
    In training every call is another visit, so that no batch meets the noise of the last one;
    `visit` counts them and is saved with the module. Otherwise the visit is 0: the same images
    meet the same noise.
    """

    visit: torch.Tensor

    def __init__(
        self, settings: _channel.Kind, equaliser: Optional[_channel.Kind] = "mmse", seed: int = 1
    ) -> None:
        super().__init__()
        self.channel = _channel.Channel(settings)
        self.equaliser, self.seed = equaliser, seed
        self.register_buffer("visit", torch.zeros((), dtype=torch.int64))

    def forward(
        self,
        x: torch.Tensor,
        images: Optional[Sequence[int]] = None,
        snr_db: Union[None, float, Sequence[float]] = None,
    ) -> torch.Tensor:
        """x as for apply(); what is heard of it, of the same shape."""
        visit = 0
        if self.training:
            self.visit += 1
            visit = int(self.visit)
        return apply(
            self.channel, x, images, self.seed, visit, equaliser=self.equaliser, snr_db=snr_db
        ).symbols

    def extra_repr(self) -> str:
        return f"{self.channel.settings!r}, equaliser={self.equaliser!r}, seed={self.seed}"
