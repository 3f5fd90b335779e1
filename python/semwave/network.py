"""The semantic pair's networks in plain PyTorch, as docs/model_format.md describes them, and
checkpoints both ways."""
from __future__ import annotations

import json
import math
import os
import struct
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy
import torch
from torch import nn

from .errors import mistake

__all__ = ["Network", "Sending", "read_checkpoint", "write_checkpoint"]
DTYPES = {"F32": "<f4", "F16": "<f2"}
# symbols complex64 [images, n] -> (equalised symbols, variance of their error float32 [images, n])
Link = Callable[[torch.Tensor], Tuple[torch.Tensor, torch.Tensor]]


def read_checkpoint(
    path: Union[str, "os.PathLike[str]"]
) -> Tuple[Dict[str, torch.Tensor], Dict[str, str]]:
    """Tensors in float32 by their names, and the metadata, of a safetensors file."""
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > os.path.getsize(path):
                raise ValueError("its header would be longer than the file")
            header = json.loads(file.read(length))
            data = file.read()
        metadata = header.pop("__metadata__", {})
        tensors = {}
        for name, about in header.items():
            begin, end = about["data_offsets"]
            array = numpy.frombuffer(data[begin:end], DTYPES[about["dtype"]]).reshape(
                about["shape"]
            )
            tensors[name] = torch.from_numpy(array.astype(numpy.float32))
    except OSError as problem:
        raise mistake(path, str(problem)) from None
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as problem:
        raise mistake(path, f"is no safetensors file of F16 or F32: {problem}") from None
    return tensors, metadata


def write_checkpoint(
    path: Union[str, "os.PathLike[str]"],
    tensors: Dict[str, torch.Tensor],
    metadata: Dict[str, str],
) -> None:
    """As float32, whole or not at all."""
    header: Dict[str, Any] = {"__metadata__": metadata}
    blocks: List[bytes] = []
    at = 0
    for name, tensor in sorted(tensors.items()):
        block = tensor.detach().cpu().numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(block)],
        }
        blocks.append(block)
        at += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = os.fspath(path)
    with open(path + ".tmp", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)


def gelu(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class Norm(nn.Module):
    """Layer norm of [images, rows, dim], its scale and shift moved by the image's condition
    [images, C]."""

    def __init__(self, dim: int, condition: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
        self.modulation = nn.Linear(condition, 2 * dim)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        h = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        scale, shift = self.modulation(condition).unsqueeze(1).chunk(2, -1)
        return h * (self.weight + scale) + self.bias + shift


class TwoLayers(nn.Module):
    def __init__(self, inside: int, hidden: int, outside: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(inside, hidden), nn.Linear(hidden, outside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(gelu(self.fc1(x)))


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, n: torch.Tensor) -> torch.Tensor:
        images, rows, dim = n.shape
        query, key, value = (
            self.qkv(n)
            .reshape(images, rows, 3, self.heads, dim // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        weights = (query @ key.transpose(-1, -2) / math.sqrt(dim // self.heads)).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(images, rows, dim))


class Block(TwoLayers):
    """A block of the transmitter."""

    def __init__(self, dim: int, heads: int, hidden: int, condition: int) -> None:
        super().__init__(dim, hidden, dim)
        self.norm1, self.norm2 = Norm(dim, condition), Norm(dim, condition)
        self.attention = Attention(dim, heads)

    def forward(  # type: ignore[override]
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> torch.Tensor:
        x = x + self.attention(self.norm1(x, condition))
        return x + super().forward(self.norm2(x, condition))


class ExpertBlock(nn.Module):
    """A block of the receiver: each row goes through the k experts that its router likes best."""

    def __init__(self, dim: int, heads: int, hidden: int, experts: int, condition: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(dim, condition), Norm(dim, condition)
        self.attention = Attention(dim, heads)
        self.experts = nn.ModuleList(TwoLayers(dim, hidden, dim) for _ in range(experts))
        self.router = nn.Linear(dim + 1, experts) if experts > 1 else None

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor, condition: torch.Tensor, k: int
    ) -> torch.Tensor:
        x = x + self.attention(self.norm1(x, condition))
        n = self.norm2(x, condition)
        if self.router is None:
            return x + self.experts[0](n)
        probability = self.router(torch.cat([n, noise.unsqueeze(-1)], -1)).softmax(-1)
        # Of equal probabilities the lower expert comes first.
        chosen = probability.sort(dim=-1, descending=True, stable=True).indices[..., :k]
        weight = torch.zeros_like(probability).scatter(-1, chosen, probability.gather(-1, chosen))
        return x + sum(weight[..., e : e + 1] * expert(n) for e, expert in enumerate(self.experts))


class ClassHead(nn.Module):
    def __init__(self, dim: int, classes: int, condition: int) -> None:
        super().__init__()
        self.norm, self.pool, self.out = (
            Norm(dim, condition),
            nn.Linear(dim, 1),
            nn.Linear(dim, classes),
        )

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        n = self.norm(x, condition)
        return self.out((self.pool(n).softmax(1) * n).sum(1))


class ImageHead(TwoLayers):
    def __init__(self, dim: int, hidden: int, values: int, condition: int) -> None:
        super().__init__(dim, hidden, values)
        self.norm = Norm(dim, condition)

    def forward(  # type: ignore[override]
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> torch.Tensor:
        return super().forward(self.norm(x, condition))


class Tokeniser(nn.Module):
    def __init__(self, stages: Sequence[Dict[str, int]], channels: int, grid: int) -> None:
        super().__init__()
        self.stages = list(stages)
        for number, stage in enumerate(self.stages):
            self.add_module(
                f"conv{number}",
                nn.Conv2d(
                    channels, stage["channels"], stage["kernel"], stage["stride"], stage["padding"]
                ),
            )
            channels = stage["channels"]
        self.position = nn.Parameter(torch.zeros(grid, channels))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images.permute(0, 3, 1, 2)
        for number, stage in enumerate(self.stages):
            x = getattr(self, f"conv{number}")(x)
            pool = stage.get("max_pool", 1)
            if number + 1 < len(self.stages) or pool > 1:
                x = gelu(x)
            if pool > 1:
                x = nn.functional.max_pool2d(x, 3, pool, 1)
        return x.flatten(2).transpose(1, 2) + self.position


class Condition(TwoLayers):
    def __init__(self, condition: int) -> None:
        super().__init__(5, condition, condition)

    def forward(self, five: torch.Tensor) -> torch.Tensor:
        return gelu(super().forward(five))


class Score(TwoLayers):
    def __init__(self, dim: int, condition: int) -> None:
        super().__init__(dim, dim // 2, 1)
        self.norm = Norm(dim, condition)

    def forward(  # type: ignore[override]
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> torch.Tensor:
        return super().forward(self.norm(x, condition)).squeeze(-1)


class Sending:
    """What the transmitter's network made: symbols complex64 [images, tokens x S], places int64
    [images, tokens]."""

    def __init__(
        self, symbols: torch.Tensor, places: torch.Tensor, depth: int, symbols_per_token: int
    ) -> None:
        self.symbols, self.places, self.depth, self.symbols_per_token = (
            symbols,
            places,
            depth,
            symbols_per_token,
        )


class Network(nn.Module):
    """The networks of a checkpoint of the semantic pair, with one plan for all images of a call.

    Parameters are called as in the checkpoint. The header, its losses and exits that look at
    the image are the library's business; gates choose without a gradient to their scores.
    Network.load() makes one.
    """

    transmitter: Any  # modules whose parts have the names of docs/model_format.md
    receiver: Any

    def __init__(
        self,
        architecture: Dict[str, Any],
        tensors: Sequence[str],
        *,
        gate_at: Sequence[int] = (0,),
        positions: bool = True,
        experts_per_row: int = 1,
        snr_range_db: Optional[Tuple[float, float]] = None,
    ) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.gate_at, self.positions, self.experts_per_row, self.snr_range_db = (
            list(gate_at),
            positions,
            experts_per_row,
            snr_range_db,
        )
        self.metadata: Dict[str, str] = {}
        height, width, channels = a["image"]
        grid_height, grid_width = height, width
        for stage in a["tokeniser"]:
            grid_height, grid_width = (
                (n + 2 * stage["padding"] - stage["kernel"]) // stage["stride"] + 1
                for n in (grid_height, grid_width)
            )
            if stage.get("max_pool", 1) > 1:
                grid_height, grid_width = (
                    (n - 1) // stage["max_pool"] + 1 for n in (grid_height, grid_width)
                )
        self.grid = (grid_height, grid_width)
        dim, heads, condition, most = (
            a["dim"],
            a["heads"],
            a["condition_dim"],
            a["max_symbols_per_token"],
        )
        tokens = grid_height * grid_width
        sender, receiver = nn.Module(), nn.Module()
        sender.tokeniser = Tokeniser(a["tokeniser"], channels, tokens)
        sender.condition = Condition(condition)
        sender.blocks = nn.ModuleList(
            Block(dim, heads, a["transmitter"]["hidden"], condition)
            for _ in range(a["transmitter"]["blocks"])
        )
        scored = sorted(
            {name.split(".")[3] for name in tensors if name.startswith("transmitter.gate.scores.")}
        )
        if scored:
            sender.gate = nn.Module()
            sender.gate.scores = nn.ModuleDict({depth: Score(dim, condition) for depth in scored})
        heads_at = sorted(
            {name.split(".")[2] for name in tensors if name.startswith("transmitter.exits.")}
        )
        if heads_at:
            sender.exits = nn.ModuleDict(
                {depth: ClassHead(dim, a["classes"], condition) for depth in heads_at}
            )
        sender.norm, sender.mapper = Norm(dim, condition), nn.Linear(dim, 2 * most)
        receiver.condition = Condition(condition)
        receiver.demapper = TwoLayers(2 * most + 1, dim, dim)
        receiver.position, receiver.missing = nn.Parameter(
            torch.zeros(tokens + 1, dim)
        ), nn.Parameter(torch.zeros(1, dim))
        receiver.mean_image = nn.Parameter(
            torch.zeros(height, width, channels), requires_grad=False
        )
        of = a["receiver"]
        receiver.blocks = nn.ModuleList(
            ExpertBlock(dim, heads, of["hidden"], of["experts"], condition)
            for _ in range(of["blocks"])
        )
        receiver.class_head = ClassHead(dim, a["classes"], condition)
        if a["image_head"]:
            values = (height // grid_height) * (width // grid_width) * channels
            receiver.image_head = ImageHead(dim, of["hidden"], values, condition)
        self.transmitter, self.receiver = sender, receiver

    @classmethod
    def load(cls, path: Union[str, "os.PathLike[str]"], **settings: Any) -> "Network":
        """From a checkpoint. settings: gate_at (depths of the learned gate), positions (whether
        they are sent),
        experts_per_row: what a checkpoint does not say. Raises Error where it is of another pair.
        """
        from . import _semwave

        tensors, metadata = read_checkpoint(path)
        try:
            architecture = _semwave.architecture(metadata["semwave.architecture"], os.fspath(path))
        except KeyError:
            raise mistake(os.fspath(path), "has no semwave.architecture in its metadata") from None
        if "transmitter.mapper.weight" not in tensors:
            raise mistake(
                os.fspath(path),
                "is no checkpoint of the semantic pair, which alone has a twin in PyTorch",
            )
        told = json.loads(metadata.get("semwave.conditioning", "{}")).get("snr_db")
        network = cls(
            architecture,
            list(tensors),
            snr_range_db=(float(told[0]), float(told[1])) if told else None,
            **settings,
        )
        network.load_state_dict(tensors)
        network.metadata = metadata
        return network

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """As a checkpoint, which scenarios may name as their model."""
        write_checkpoint(path, self.state_dict(), self.metadata)

    def _condition(self, part: nn.Module, images: int, *numbers: Any) -> torch.Tensor:
        like = next(part.parameters())
        return part(
            torch.stack(
                [
                    torch.as_tensor(number, dtype=like.dtype, device=like.device).expand(images)
                    for number in numbers
                ],
                1,
            )
        )

    def send(
        self,
        images: torch.Tensor,
        snr_db: Any = 10.0,
        keep: float = 1.0,
        depth: Optional[int] = None,
        symbols_per_token: int = 8,
    ) -> Sending:
        """images float32 [images, height, width, channels] in [0, 1]; snr_db, as believed, one
        or one each."""
        sender, tokens = self.transmitter, self.grid[0] * self.grid[1]
        blocks = len(sender.blocks)
        depth = blocks if depth is None else depth
        if (
            not 0 <= depth <= blocks
            or not 1 <= symbols_per_token <= self.architecture["max_symbols_per_token"]
            or not 0 <= keep <= 1
        ):
            raise mistake(
                "plan",
                f"needs keep from 0 to 1, depth from 0 to {blocks}, symbols_per_token from 1 to "
                f"{self.architecture['max_symbols_per_token']}",
            )
        k = self._tokens(keep)
        believed = torch.as_tensor(snr_db, dtype=torch.float32)
        if self.snr_range_db:
            believed = believed.clamp(*self.snr_range_db)
        condition = self._condition(
            sender.condition,
            len(images),
            believed.clamp(-20, 40) / 10,
            k / tokens,
            depth / max(1, blocks),
            math.log2(symbols_per_token) / 4,
            float(self.positions),
        )
        x = sender.tokeniser(images)
        places = torch.arange(tokens, device=x.device).expand(len(images), tokens)
        for at in range(depth + 1):
            count = self._kept_at(at, depth, keep)
            if count is not None and count < x.shape[1]:
                with torch.no_grad():
                    scores = sender.gate.scores[str(at)](x, condition)
                    best = (
                        scores.sort(dim=1, descending=True, stable=True)
                        .indices[:, :count]
                        .sort(dim=1)
                        .values
                    )
                x, places = x.gather(
                    1, best.unsqueeze(-1).expand(-1, -1, x.shape[2])
                ), places.gather(1, best)
            if at < depth:
                x = sender.blocks[at](x, condition)
        mapped = sender.mapper(sender.norm(x, condition))[..., : 2 * symbols_per_token]
        pairs = mapped.reshape(len(images), -1, 2)
        power = pairs.square().sum((1, 2), keepdim=True)
        scale = torch.where(
            power > 0, (pairs.shape[1] / power.clamp_min(1e-30)).sqrt(), torch.zeros_like(power)
        )
        return Sending(
            torch.view_as_complex((pairs * scale).contiguous()), places, depth, symbols_per_token
        )

    def _tokens(self, keep: float) -> int:
        tokens = self.grid[0] * self.grid[1]
        return 0 if keep == 0 else min(tokens, max(1, math.floor(keep * tokens + 1e-6)))

    def _kept_at(self, at: int, depth: int, keep: float) -> Optional[int]:
        if at > self.gate_at[-1]:
            return None
        if at == depth:
            return self._tokens(keep)
        return (
            self._tokens(keep ** ((self.gate_at.index(at) + 1) / len(self.gate_at)))
            if at in self.gate_at
            else None
        )

    def _log_noise(self, variance: torch.Tensor) -> torch.Tensor:
        if self.snr_range_db:
            low, high = self.snr_range_db
            variance = variance.clamp(
                1 / (1 + 10 ** (high / 10)) / 1.00001, max(1.0, 10 ** (-low / 10)) * 1.00001
            )
        return variance.clamp(1e-4, 1e3).log10()

    def answer(
        self, sending: Sending, equalised: torch.Tensor, variance: torch.Tensor
    ) -> Tuple[torch.Tensor, Optional[torch.Tensor]]:
        """What was equalised, and the variance of its error -> logits, and pictures where
        positions came, else None."""
        receiver, tokens = self.receiver, self.grid[0] * self.grid[1]
        images, k = sending.places.shape
        each = sending.symbols_per_token
        of_token = variance.reshape(images, k, each).mean(2)
        image_noise = (
            self._log_noise(of_token.mean(1))
            if k > 0
            else torch.zeros(images, device=variance.device)
        )
        condition = self._condition(
            receiver.condition,
            images,
            image_noise,
            k / tokens,
            sending.depth / max(1, len(self.transmitter.blocks)),
            math.log2(each) / 4,
            float(self.positions),
        )
        noise = self._log_noise(of_token)
        heard = torch.view_as_real(equalised.contiguous()).reshape(images, k, 2 * each)
        padded = nn.functional.pad(
            heard, (0, 2 * self.architecture["max_symbols_per_token"] - 2 * each)
        )
        x = receiver.demapper(torch.cat([padded, noise.unsqueeze(-1)], -1))
        rebuilds = self.positions and self.architecture["image_head"]
        if rebuilds:
            whole = receiver.missing.expand(images, tokens, -1).scatter(
                1, sending.places.unsqueeze(-1).expand(-1, -1, x.shape[2]), x
            )
            noise = (
                image_noise.unsqueeze(1).expand(images, tokens).scatter(1, sending.places, noise)
            )
            x = whole + receiver.position[:tokens]
        elif self.positions:
            x = x + receiver.position[sending.places]
        else:
            x = x + receiver.position[tokens]
        for block in receiver.blocks:
            x = block(x, noise, condition, self.experts_per_row)
        logits = receiver.class_head(x, condition)
        return logits, self._picture(receiver.image_head(x, condition)) if rebuilds else None

    def _picture(self, patches: torch.Tensor) -> torch.Tensor:
        height, width, channels = self.architecture["image"]
        (rows, columns), images = self.grid, len(patches)
        parts = patches.reshape(images, rows, columns, channels, height // rows, width // columns)
        return parts.permute(0, 1, 4, 2, 5, 3).reshape(images, height, width, channels)

    def forward(
        self,
        images: torch.Tensor,
        snr_db: Any = 10.0,
        keep: float = 1.0,
        depth: Optional[int] = None,
        symbols_per_token: int = 8,
        link: Optional[Link] = None,
    ) -> Tuple[torch.Tensor, Optional[torch.Tensor]]:
        """Logits [images, classes], and pictures [images, height, width, channels] where
        positions are sent.

        link: what becomes of the symbols, as a function of them; None: the ideal channel.
            semwave.torch.link() makes one
        of a channel. The rest as for send().
        """
        sending = self.send(images, snr_db, keep, depth, symbols_per_token)
        if link is None:
            heard, variance = sending.symbols, torch.zeros(
                sending.symbols.shape, device=images.device
            )
        else:
            heard, variance = link(sending.symbols)
        return self.answer(sending, heard, variance)
