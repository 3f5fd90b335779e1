"""The yardstick in PyTorch, with the weights that `yardstick --export` wrote. A process of this file serves one setting of threads.

Requests, one a line with tabs between its words, each answered by one line of JSON: `versions`, `forwards`, `trainings` (names of the formulations),
`check NAME BATCH`, `forward NAME BATCH REPETITIONS`, `half NAME FIRST BATCH REPETITIONS` (beside another process),
`train NAME BATCH REPETITIONS`, `losses NAME BATCH STEPS`, `onnx FOLDER BATCH...`.
"""
import json
import math
import mmap
import sys
import time
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F

DIM, HEADS, HIDDEN, BLOCKS, CLASSES = 128, 4, 256, 6, 10
WARM_UP = 3


def read_safetensors(path):
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def read_floats(path, shape):
    return torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.float32).reshape(shape)


class Attention(torch.nn.Module):
    """Several ways to say the same, for the peer to be as fast as it can: `way` is matmul, bmm, fused or native."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.qkv = torch.nn.Linear(DIM, 3 * DIM)
        self.out = torch.nn.Linear(DIM, DIM)

    def forward(self, x):
        batch, tokens = x.shape[0], x.shape[1]
        if self.way == "native":  # one call for the whole of it, without the tape
            return torch._native_multi_head_attention(x, x, x, DIM, HEADS, self.qkv.weight, self.qkv.bias, self.out.weight, self.out.bias, None, False)[0]
        width = DIM // HEADS
        qkv = self.qkv(x)
        if self.way == "bmm":
            q, k, v = qkv.view(batch, tokens, 3 * HEADS, width).transpose(1, 2).reshape(batch, 3, HEADS, tokens, width).unbind(1)
            q, k, v = (part.reshape(batch * HEADS, tokens, width) for part in (q, k, v))
            y = torch.bmm(torch.softmax(torch.bmm(q * width ** -0.5, k.transpose(1, 2)), -1), v).view(batch, HEADS, tokens, width)
        else:
            q, k, v = qkv.view(batch, tokens, 3, HEADS, width).permute(2, 0, 3, 1, 4).unbind(0)
            if self.way == "fused":
                y = torch._C._nn._scaled_dot_product_attention(q, k, v)[0]
            else:
                y = torch.matmul(torch.softmax(torch.matmul(q * width ** -0.5, k.transpose(-2, -1)), -1), v)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, DIM))


class Block(torch.nn.Module):
    def __init__(self, way, spelt_out):
        super().__init__()
        self.way, self.spelt_out = way, spelt_out
        self.norm1, self.norm2 = torch.nn.LayerNorm(DIM), torch.nn.LayerNorm(DIM)
        self.attention = Attention(way)
        self.fc1, self.fc2 = torch.nn.Linear(DIM, HIDDEN), torch.nn.Linear(HIDDEN, DIM)

    def forward(self, x):
        if self.way == "layer":  # PyTorch's own fast path of a whole encoder layer; its GELU is the erf form
            a = self.attention
            return torch._transformer_encoder_layer_fwd(
                x, DIM, HEADS, a.qkv.weight, a.qkv.bias, a.out.weight, a.out.bias, True, True, 1e-5, self.norm1.weight, self.norm1.bias,
                self.norm2.weight, self.norm2.bias, self.fc1.weight, self.fc1.bias, self.fc2.weight, self.fc2.bias)
        x = x + self.attention(self.norm1(x))
        hidden = self.fc1(self.norm2(x))
        if self.spelt_out:  # the spelling that ONNX Runtime knows as one operation
            hidden = 0.5 * hidden * (1.0 + torch.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * torch.pow(hidden, 3.0))))
        else:
            hidden = F.gelu(hidden, approximate="tanh")
        return x + self.fc2(hidden)


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.pool, self.out = torch.nn.LayerNorm(DIM), torch.nn.Linear(DIM, 1), torch.nn.Linear(DIM, CLASSES)

    def forward(self, x):
        x = self.norm(x)
        return self.out(torch.matmul(torch.softmax(self.pool(x), 1).transpose(1, 2), x).squeeze(1))


class Tokeniser(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = torch.nn.Conv2d(1, DIM, 4, 4)
        self.position = torch.nn.Parameter(torch.zeros(49, DIM))

    def forward(self, x):
        return self.conv0(x).flatten(2).transpose(1, 2) + self.position


class Yardstick(torch.nn.Module):
    def __init__(self, weights, way, spelt_out=False):
        super().__init__()
        self.tokeniser = Tokeniser()
        self.blocks = torch.nn.ModuleList(Block(way, spelt_out) for _ in range(BLOCKS))
        self.head = Head()
        self.load_state_dict(weights)  # strict: every name on both sides

    def forward(self, x):
        x = self.tokeniser(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


# How a network is run: as it is, frozen, frozen and handed to optimize_for_inference (oneDNN where PyTorch thinks it pays).
FORWARDS = [f"{way} {run}" for way in ("matmul", "bmm", "fused") for run in ("eager", "frozen", "optimised")] + ["native eager", "native frozen", "layer eager"]
TRAININGS = [f"{way} {run}" for way in ("matmul", "bmm", "fused") for run in ("eager", "traced")] + ["matmul eager, one tensor at a time"]


class Serving:
    def __init__(self, folder, threads, pair, place):
        torch.set_num_threads(threads)
        self.weights = read_safetensors(folder / "weights.safetensors")
        self.images = read_floats(folder / "images.f32", (-1, 1, 28, 28))
        self.logits = read_floats(folder / "logits.f32", (-1, CLASSES))
        self.labels = torch.arange(len(self.images)) % CLASSES
        self.made, self.training = {}, {}
        self.place = place
        if pair:
            with open(pair, "r+b") as file:
                self.gates = memoryview(mmap.mmap(file.fileno(), 16)).cast("q")

    def network(self, name, batch):
        """One for each batch size, since a traced graph settles on the shapes it has seen."""
        if (name, batch) not in self.made:
            way, run = name.split(" ", 1)
            network = Yardstick(self.weights, way).eval().requires_grad_(False)
            if run != "eager":
                network = torch.jit.freeze(torch.jit.trace(network, self.images[:batch], check_trace=False))
            if run == "optimised":
                network = torch.jit.optimize_for_inference(network)
            for _ in range(5):  # the executor looks on for a few runs before it compiles
                network(self.images[:batch])
            self.made[name, batch] = network
        return self.made[name, batch]

    def trainer(self, name, batch):
        way, run = name.split(" ", 1)
        network = Yardstick(self.weights, way).train()
        decayed = [p for p in network.parameters() if p.dim() > 1 and p is not network.tokeniser.position]
        plain = [p for p in network.parameters() if p.dim() <= 1 or p is network.tokeniser.position]
        optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=1e-3, foreach="one tensor" not in run)
        call = torch.jit.trace(network, self.images[:batch], check_trace=False) if run == "traced" else network
        images, labels = self.images[:batch], self.labels[:batch]

        def step():
            optimiser.zero_grad(set_to_none=True)
            loss = F.cross_entropy(call(images), labels, label_smoothing=0.1)
            loss.backward()
            optimiser.step()
            return loss.detach()
        return step

    @staticmethod
    def timed(repetitions, body, before=None):
        """Beginning and end of each repetition, in seconds of the machine's steady clock."""
        for _ in range(WARM_UP):
            body()
        spans = []
        for _ in range(repetitions):
            if before:
                before()
            start = time.perf_counter()
            body()
            spans.append((start, time.perf_counter()))
        return spans

    def meet(self):
        """Returns when the other process of the pair has come here as often as this one."""
        self.gates[self.place] += 1
        until = time.monotonic() + 60
        while self.gates[1 - self.place] < self.gates[self.place]:
            if time.monotonic() > until:
                raise RuntimeError("the other process of the pair did not come")

    def answer(self, line):
        command, *rest = line.split("\t")
        if command == "versions":
            settings = [word.strip(" -") for word in torch.__config__.show().splitlines()]
            with open("/proc/self/maps") as file:
                loaded = sorted({line.split()[-1] for line in file if "openblas" in line or "libgomp" in line})
            return {"PyTorch": torch.__version__, "ATen": next(word for word in settings if word.startswith("CPU capability")),
                    "oneDNN": next(word for word in settings if "MKL-DNN" in word), "loaded": loaded}
        if command in ("forwards", "trainings"):
            return {"names": FORWARDS if command == "forwards" else TRAININGS}
        if command == "onnx":
            folder, *batches = rest
            for batch in map(int, batches):
                for graph, network in (("plain", Yardstick(self.weights, "matmul")), ("gelu", Yardstick(self.weights, "matmul", spelt_out=True))):
                    torch.onnx.export(network.eval(), self.images[:batch], f"{folder}/{graph}{batch}.onnx", opset_version=17,
                                      input_names=["images"], output_names=["logits"])
            return {"graphs": ["plain", "gelu"]}
        name, *numbers = rest
        numbers = list(map(int, numbers))
        if command == "losses":
            step = self.trainer(name, numbers[0])
            return {"losses": [float(step()) for _ in range(numbers[1])]}
        if command == "train":
            batch, repetitions = numbers
            if name not in self.training:
                self.training[name] = self.trainer(name, batch)
                for _ in range(3):
                    self.training[name]()
            return {"spans": self.timed(repetitions, self.training[name])}
        with torch.inference_mode():
            if command == "check":
                made = self.network(name, numbers[0])(self.images[:numbers[0]])
                return {"difference": float((made - self.logits[:numbers[0]]).abs().max()), "largest": float(self.logits.abs().max())}
            if command == "forward":
                batch, repetitions = numbers
                network, images = self.network(name, batch), self.images[:batch]
                return {"spans": self.timed(repetitions, lambda: network(images))}
            if command == "half":
                first, batch, repetitions = numbers
                network, images = self.network(name, batch), self.images[first:first + batch].clone()
                return {"spans": self.timed(repetitions, lambda: network(images), self.meet)}
        raise ValueError(f"unknown request {line!r}")


def main():
    folder, threads, pair, place = sys.argv[1:5]
    warnings.filterwarnings("ignore")
    serving = Serving(Path(folder), int(threads), pair, int(place))
    for line in sys.stdin:
        try:
            made = serving.answer(line.rstrip("\n"))
        except Exception as error:
            made = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    main()
