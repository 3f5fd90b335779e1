"""Models: what is sent of each picture, what arrives, what is answered, and what was decided on
the way."""
from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy

from . import _semwave
from .arrays import taken
from .channel import Channel
from .errors import mistake
from .ledger import Ledger


class Sent:
    """What left the transmitter; of `images` pictures.

    symbols: a complex64 array an image, payload only; its header is coded by the library.
    tokens: an int32 array an image, places in the grid of what was kept. scores: float32
        [images, grid] of the first gate, NaN where it did not look; None without a scoring
        gate.
    keep, depth, symbols_per_token: [images] what the policy planned. believed_snr_db: float64
        [images].
    exit_depth: int32 [images] the block behind which an image left. answer: int32 [images] the
        class that was sent instead of tokens, -1: none. header_bits: int32 [images] without CRC
        and code.
    """

    symbols: List[numpy.ndarray]
    tokens: List[numpy.ndarray]
    scores: Optional[numpy.ndarray]
    keep: numpy.ndarray
    depth: numpy.ndarray
    symbols_per_token: numpy.ndarray
    believed_snr_db: numpy.ndarray
    exit_depth: numpy.ndarray
    answer: numpy.ndarray
    header_bits: numpy.ndarray

    def __init__(self, sent: Any) -> None:
        self._sent = sent
        self.__dict__.update(sent.describe())
        self.ids: numpy.ndarray = sent.ids

    def __len__(self) -> int:
        return len(self.ids)


class HeardBurst:
    """What arrived of a Sent: symbols, gains, noise_variance: an array an image; mean_gain:
    float64 [images]; uses: a Ledger an image, header included."""

    symbols: List[numpy.ndarray]
    gains: List[numpy.ndarray]
    noise_variance: List[numpy.ndarray]
    mean_gain: numpy.ndarray

    def __init__(self, heard: Any) -> None:
        self._heard = heard
        self.__dict__.update(heard.describe())
        self.uses: List[Ledger] = [Ledger(**one) for one in self.__dict__["uses"]]


class Route(NamedTuple):
    """One block of the receiver; its rows are the tokens that it worked on, of one image after
    another."""

    experts: numpy.ndarray  # int32 [rows, k], best first
    probabilities: numpy.ndarray  # float32 [rows, experts]


class Answer:
    """What the receiver says.

    decisions: int32 [images] classes, -1 where the header was lost. logits: float32 [images,
        classes], or None.
    pictures: float32 [images, height, width, channels] in [0, 1], the mean training image where
        none was rebuilt; None of a model that rebuilds none. rebuilt, lost: bool [images].
    expert_rows: int64 [experts] rows that each worked on. routes: a Route a block with experts.
    """

    def __init__(self, answer: Dict[str, Any]) -> None:
        self.decisions: numpy.ndarray = answer["decisions"]
        self.logits: Optional[numpy.ndarray] = answer["logits"]
        self.pictures: Optional[numpy.ndarray] = answer["pictures"]
        self.rebuilt: Optional[numpy.ndarray] = answer["rebuilt"]
        self.lost: numpy.ndarray = answer["lost"]
        self.expert_rows: numpy.ndarray = answer["expert_rows"]
        self.routes: List[Route] = [Route(**one) for one in answer["routes"]]


class Model:
    """The networks, the policy and the channel of a scenario; Model.load() makes one.

        model = semwave.Model.load("models/fashion.safetensors", **{"/channel/snr_db": 5})
        sent = model.transmit(pictures)
        heard = model.channel.apply(sent)
        answer = model.receive(heard)

    What comes out is to the bit what run() makes of the same scenario for images of the same
    ids. All images of a call are in memory together, on one thread; other threads of Python go
    on.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.scenario: Dict[str, Any] = model.scenario
        self.architecture: Dict[str, Any] = model.architecture
        self.sha256: str = model.sha256  # of the checkpoint; empty of a fresh network
        self.channel = Channel._of(model.channel)

    @classmethod
    def load(
        cls, file: Union[str, "os.PathLike[str]", Dict[str, Any]], **overrides: Any
    ) -> "Model":
        """A checkpoint (.safetensors) with the scenario's defaults, or a scenario (a file or a
        dict) with its model.

        overrides: JSON pointers of a scenario with their values. Raises Error where they do not
            fit the checkpoint.
        """
        if not isinstance(file, dict):
            file = os.fspath(file)
            if file.endswith(".safetensors"):
                file = {
                    "version": 1,
                    "name": os.path.basename(file),
                    "model": file,
                    "transmitter": {"kind": "semantic"},
                    "channel": {"kind": "awgn"},
                }
        return cls(_semwave.Model(file, overrides))

    def to_torch(self) -> Any:
        """The networks in plain PyTorch, a semwave.torch.Network: parameters of the same names,
        and the same numbers but for rounding. Of the semantic pair with a learned gate or none;
        raises Error for any other. Its save() writes a checkpoint.
        """
        from .network import Network

        transmitter = self.scenario["transmitter"]
        gate = transmitter.get("gate", {"kind": "none"})
        if gate["kind"] not in ("learned", "keep_all") or not isinstance(
            self.scenario.get("model"), str
        ):
            raise mistake(
                "model",
                "has no twin in PyTorch: that is there of checkpoints of the semantic pair, with "
                "the gate learned or keep_all",
            )
        return Network.load(
            self.scenario["model"],
            gate_at=gate.get("at", [0]),
            positions=transmitter["positions"] == "sent",
            experts_per_row=self.scenario["receiver"]["router"].get("k", 1),
        )

    def transmit(
        self,
        images: numpy.ndarray,
        ids: Optional[Sequence[int]] = None,
        *,
        seed: Optional[int] = None,
        visit: int = 0,
        believed_snr_db: Optional[float] = None,
        plan: Optional[Dict[str, float]] = None,
    ) -> Sent:
        """Realises the links of these pictures, observes them, plans and transmits.

        images: uint8, or float32 in [0, 1], [images, height, width, channels], C-contiguous.
            ids: what keys their draws,
        default 0, 1, 2, ... seed: default the scenario's. believed_snr_db: instead of what is
        observed.
        plan: {"keep", "depth", "symbols_per_token"} instead of what the policy says of them.
        """
        images = taken(images, "images")
        if ids is None:
            ids = range(len(images)) if isinstance(images, numpy.ndarray) else []
        return Sent(self._model.transmit(images, ids, seed, visit, believed_snr_db, plan))

    def receive(self, heard: HeardBurst) -> Answer:
        """The answer to what a channel gave of a Sent of this model."""
        return Answer(self._model.receive(heard._heard))
