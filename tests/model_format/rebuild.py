#!/usr/bin/env python3
"""The network and its header once more, in NumPy, from docs/model_format.md alone.

Prints every stage of every case of docs/model_format_golden.json and compares it with the values
there.
Exit status: 0 all agree, 1 something differs, 77 NumPy is not installed.

    python3 tests/model_format/rebuild.py [--quiet] [GOLDEN]

Nothing of semwave is run or read but the checkpoints, the golden file and the numbers of
phy/header/header_loss_table.inc. All sums are in double precision.
"""
import argparse
import hashlib
import json
import math
import pathlib
import re
import struct
import sys

try:
    import numpy as np
except ImportError:
    print(
        "rebuild.py: NumPy is not installed (Debian: apt-get install python3-numpy), "
        "nothing was compared",
        file=sys.stderr,
    )
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 2e-4


# --- The file


class Checkpoint:
    """Tensors in double precision, and the architecture of the metadata."""

    def __init__(self, path):
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__")
        if metadata["semwave.format"] != "1":
            raise SystemExit(
                f"{path}: format {metadata['semwave.format']} is not the one of the page"
            )
        self.architecture = json.loads(metadata["semwave.architecture"])
        trained = metadata.get("semwave.conditioning")
        self.trained = json.loads(trained)["snr_db"] if trained else None
        numbers = data[8 + length :]
        digest = hashlib.sha256()
        self.tensors = {}
        for name in sorted(header, key=lambda n: n.encode()):
            entry = header[name]
            begin, end = entry["data_offsets"]
            if entry["dtype"] == "BF16":
                bits = np.frombuffer(numbers[begin:end], "<u2").astype("<u4") << 16
                values = bits.view("<f4")
            else:
                values = np.frombuffer(
                    numbers[begin:end], {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]
                ).astype("<f4")
            digest.update(
                f"{name}\n{','.join(map(str, entry['shape']))}\n".encode() + values.tobytes()
            )
            self.tensors[name] = values.astype(np.float64).reshape(entry["shape"])
        self.digest = digest.hexdigest()

    def __getitem__(self, name):
        return self.tensors[name]

    def __contains__(self, name):
        return name in self.tensors


# --- What came out, in the order of execution


class Record:
    def __init__(self):
        self.stages, self.exact, self.prefix = {}, {}, ""

    def stage(self, name, value):
        value = np.asarray(value, np.float64)
        flat = value.ravel()
        self.stages[self.prefix + name] = {
            "shape": list(value.shape),
            "mean": flat.mean(),
            "deviation": flat.std(),
            "first": flat[:8].tolist(),
            "last": flat[-4:].tolist(),
        }
        return value

    def whole(self, name, value):
        self.exact[self.prefix + name] = (
            value if isinstance(value, str) else [int(v) for v in np.ravel(value)]
        )


def pairs(symbols):
    return np.stack([symbols.real, symbols.imag], axis=-1)


def text(bits):
    return "".join(map(str, bits))


# --- Building blocks


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class Network:
    """The layers of the page over one checkpoint; each stage goes into the record."""

    def __init__(self, weights, record):
        self.w, self.record, self.a = weights, record, weights.architecture

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, name, x, condition):
        d = x.shape[-1]
        h = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        scale = shift = 0
        if condition is not None:
            modulation = self.linear(name + ".modulation", condition)
            scale, shift = modulation[:d], modulation[d:]
        return self.record.stage(
            name, h * (self.w[name + ".weight"] + scale) + self.w[name + ".bias"] + shift
        )

    def attended(self, name, x, condition):
        n = self.norm(name + ".norm1", x, condition)
        qkv = self.record.stage(name + ".qkv", self.linear(name + ".attention.qkv", n))
        rows, dim = x.shape
        heads = self.a["heads"]
        q, k, v = (
            part.reshape(rows, heads, dim // heads).swapaxes(0, 1)
            for part in np.split(qkv, 3, axis=1)
        )
        weights = softmax(q @ k.swapaxes(1, 2) / math.sqrt(dim // heads))
        joined = self.record.stage(
            name + ".attention", (weights @ v).swapaxes(0, 1).reshape(rows, dim)
        )
        return self.record.stage(
            name + ".attended", x + self.linear(name + ".attention.out", joined)
        )

    def block(self, name, x, condition):
        x = self.attended(name, x, condition)
        hidden = self.record.stage(
            name + ".hidden",
            gelu(self.linear(name + ".fc1", self.norm(name + ".norm2", x, condition))),
        )
        return self.record.stage(name + ".output", x + self.linear(name + ".fc2", hidden))

    def class_head(self, name, x, condition):
        n = self.norm(name + ".norm", x, condition)
        scores = self.record.stage(name + ".scores", self.linear(name + ".pool", n)[:, 0])
        pooled = self.record.stage(name + ".pooled", softmax(scores) @ n)
        return self.record.stage(name + ".logits", self.linear(name + ".out", pooled))

    def condition(self, name, five):
        five = self.record.stage(name + ".features", five)
        return self.record.stage(
            name, gelu(self.linear(name + ".fc2", gelu(self.linear(name + ".fc1", five))))
        )

    def tokeniser(self, name, picture):
        x, stages = picture, self.a["tokeniser"]
        for i, s in enumerate(stages):
            pooled, last = s.get("max_pool", 1) > 1, i + 1 == len(stages)
            weight = self.w[f"{name}.conv{i}.weight"]
            p = s["padding"]
            padded = np.pad(x, ((p, p), (p, p), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(
                padded, (s["kernel"], s["kernel"]), axis=(0, 1)
            )
            windows = windows[:: s["stride"], :: s["stride"]]  # [height, width, channel, i, j]
            x = (
                np.tensordot(windows, weight, axes=([2, 3, 4], [1, 2, 3]))
                + self.w[f"{name}.conv{i}.bias"]
            )
            if pooled or not last:
                x = gelu(x)
            if pooled:
                padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
                windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
                x = windows[:: s["max_pool"], :: s["max_pool"]].max(axis=(3, 4))
            self.record.stage(f"{name}.conv{i}", x)
        tokens = x.reshape(-1, x.shape[2]) + self.w[name + ".position"]
        return self.record.stage(name.rpartition(".")[0] + ".tokens", tokens), x.shape[:2]


# --- Header


def number(value, width):
    return [value >> b & 1 for b in range(width - 1, -1, -1)]


def count_bits(grid):
    return math.ceil(math.log2(grid + 1))


def header_parts(grid, depth, symbols, positions, k):
    """`positions` is None where they are not sent."""
    form = 0 if positions is None else 2
    parts = [
        number(depth, 4)
        + number(symbols - 1, 4)
        + [0]
        + number(form, 2)
        + number(k, count_bits(grid))
    ]
    if form == 2 and 0 < k < grid:
        index = sum(math.comb(p, i) for i, p in enumerate(sorted(positions), start=1))
        parts.append(number(index, (math.comb(grid, k) - 1).bit_length()))
    return parts


def answer_parts(grid, depth, decision):
    count = count_bits(grid)
    bits = number(decision, 4 + 2 + count)
    return [number(depth, 4) + bits[:4] + [1] + bits[4:6] + bits[6:]]


FORMATS = [(4, 1.0), (2, 1.0), (2, 2.4), (2, 8.0)]


def crc8(bits):
    register = 0xFF
    for bit in bits:
        feed = (register >> 7) ^ bit
        register = (register << 1 & 0xFF) ^ (0x2F if feed else 0)
    return number(register, 8)


TAPS = ((0, 2, 3, 5, 6), (0, 1, 2, 3, 6))


def convolve(bits):
    u = [0] * 6 + list(bits) + [0] * 6
    return [sum(u[t - lag] for lag in taps) % 2 for t in range(6, len(u)) for taps in TAPS]


def stride_of(n):
    middle = math.floor(0.6180339887498949 * n + 0.5)
    for away in range(n):
        for stride in (middle + away, middle - away):
            if stride > 0 and math.gcd(stride, n) == 1:
                return stride
    raise AssertionError


def uses_of(part_bits, which):
    width, repetition = FORMATS[which]
    return math.ceil(2 * (part_bits + 8 + 6) * repetition / width - 1e-9)


def modulate(stream, width):
    b = 1 - 2 * np.array(stream).reshape(-1, width)
    if width == 2:
        return (b[:, 0] + 1j * b[:, 1]) / math.sqrt(2)
    return (b[:, 0] * (2 - b[:, 2]) + 1j * b[:, 1] * (2 - b[:, 3])) / math.sqrt(10)


def loss_table():
    """For each format: SNR of the first column, exponents [length, column]; and the lengths."""
    source = (ROOT / "phy/header/header_loss_table.inc").read_text()
    lengths = [
        int(x) for x in re.search(r"loss_table_lengths = \{([^}]*)\}", source)[1].split(",")
    ]
    tables = []
    for line in source.split("loss_table = ")[1].splitlines():
        first = re.match(r"\s*\{(-?\d+),\s*//", line)
        if first:
            tables.append((float(first[1]), []))
            continue
        values = re.findall(r"-?\d+\.\d+", line)
        if values:
            tables[-1][1].append([float(v) for v in values])
    return [(first, np.array(rows)) for first, rows in tables], lengths


def choose_format(parts, snr_db):
    tables, lengths = loss_table()
    for which, (first, rows) in enumerate(tables):
        along = min(max((snr_db - first) / 0.5, -40), 80)
        column = int(min(max(math.floor(along), 0), rows.shape[1] - 2))
        at = rows[:, column] + (rows[:, column + 1] - rows[:, column]) * (along - column)
        events = 0
        for part in parts:
            row = 0
            while row + 2 < len(lengths) and len(part) > lengths[row + 1]:
                row += 1
            low, high = math.log(lengths[row] + 8), math.log(lengths[row + 1] + 8)
            events += 10 ** (
                at[row] + (at[row + 1] - at[row]) * (math.log(len(part) + 8) - low) / (high - low)
            )
        if 1 - math.exp(-events) <= 1e-3:
            return which
    return len(FORMATS) - 1


def send_header(record, parts, which):
    width = FORMATS[which][0]
    record.whole("header.format", [which])
    symbols = []
    for i, part in enumerate(parts):
        coded = convolve(part + crc8(part))
        n = len(coded)
        stream = [coded[j * stride_of(n) % n] for j in range(uses_of(len(part), which) * width)]
        record.whole(f"header.part{i}", text(part))
        record.whole(f"header.part{i}.coded", text(coded))
        record.whole(f"header.part{i}.sent", text(stream))
        symbols.append(modulate(stream, width))
    symbols = np.concatenate(symbols)
    record.stage("header.symbols", pairs(symbols))
    return symbols


def viterbi(soft):
    """The message, from log-likelihood ratios (positive for 0) of it and its six zeros."""
    metric = np.full(64, -np.inf)
    metric[0] = 0
    before = []
    for t in range(0, len(soft), 2):
        best, source = np.full(64, -np.inf), np.zeros(64, int)
        for state in range(64):  # the last six bits, newest highest
            for bit in (0, 1):
                u = [bit] + [state >> (5 - i) & 1 for i in range(6)]
                out = [sum(u[lag] for lag in taps) % 2 for taps in TAPS]
                gain = metric[state] + sum((1 - 2 * o) * s for o, s in zip(out, soft[t : t + 2]))
                to = bit << 5 | state >> 1
                if gain > best[to]:
                    best[to], source[to] = gain, state
        metric = best
        before.append(source)
    state, bits = 0, []
    for source in reversed(before):
        bits.append(state >> 5)
        state = source[state]
    return bits[::-1][:-6]


def soft_bits(y, h, noise, width):
    """Max-log likelihood ratios of each symbol's bits."""
    labels = [number(v, width) for v in range(1 << width)]
    points = modulate([b for label in labels for b in label], width)
    distance = abs(y[:, None] - h * points) ** 2 / noise
    bits = np.array(labels)
    return np.stack(
        [
            distance[:, bits[:, b] == 1].min(1) - distance[:, bits[:, b] == 0].min(1)
            for b in range(width)
        ],
        axis=1,
    ).ravel()


def read_part(y, h, noise, part_bits, which):
    n = 2 * (part_bits + 8 + 6)
    soft = np.zeros(n)
    for j, value in enumerate(soft_bits(y, h, noise, FORMATS[which][0])):
        soft[j * stride_of(n) % n] += value
    bits = viterbi(soft)
    return bits[:part_bits] if crc8(bits[:part_bits]) == bits[part_bits:] else None


def value_of(bits):
    return int(text(bits) or "0", 2)


def read_header(frame, h, noise, grid):
    """depth, S, places or None, k, uses, and the class of an answer or None."""
    for which in range(len(FORMATS)):
        word_bits = 11 + count_bits(grid)
        uses = uses_of(word_bits, which)
        word = read_part(frame[:uses], h, noise, word_bits, which) if uses <= len(frame) else None
        if word is None:
            continue
        depth, s, form, k = (
            value_of(word[:4]),
            value_of(word[4:8]) + 1,
            value_of(word[9:11]),
            value_of(word[11:]),
        )
        if word[8]:
            if uses == len(frame):
                return depth, 1, None, 0, uses, value_of(word[4:8] + word[9:])
            continue
        if form > 2 or k > grid:
            continue
        second = (
            0
            if form == 0 or k in (0, grid)
            else (math.comb(grid, k) - 1).bit_length()
            if form == 2
            else grid
        )
        second_uses = uses_of(second, which) if second else 0
        if uses + second_uses + k * s != len(frame):
            continue
        if form == 0:
            return depth, s, None, k, uses, None
        if second == 0:
            return depth, s, list(range(k)), k, uses, None
        bits = read_part(frame[uses : uses + second_uses], h, noise, second, which)
        if bits is None:
            continue
        if form == 1:
            places = [t for t in range(grid) if bits[t]]
        else:
            rank, places = value_of(bits), []
            for i in range(k, 0, -1):
                p = max(p for p in range(grid) if math.comb(p, i) <= rank)
                rank -= math.comb(p, i)
                places.insert(0, p)
        return depth, s, places, k, uses + second_uses, None
    raise SystemExit("rebuild.py: the header was lost")


# --- Transmitter


def tokens_to_keep(keep, grid):
    return 0 if keep <= 0 else min(max(math.floor(keep * grid + 1e-6), 1), grid)


def told_snr(trained, believed_snr_db):
    low, high = trained or (-20, 40)
    return min(max(believed_snr_db, low, -20), high, 40)


def transmit(network, picture, given):
    """Payload symbols, header symbols."""
    a, record, blocks = network.a, network.record, network.a["transmitter"]["blocks"]
    grid = len(network.w["transmitter.tokeniser.position"])
    keep, s, sent = given["keep"], given["symbols_per_token"], given["positions"] == "sent"
    c = network.condition(
        "transmitter.condition",
        [
            told_snr(network.w.trained, given["believed_snr_db"]) / 10,
            tokens_to_keep(keep, grid) / grid,
            given["depth"] / max(1, blocks),
            math.log2(s) / 4,
            1.0 if sent else 0.0,
        ],
    )
    x, _ = network.tokeniser("transmitter.tokeniser", picture)
    places, at, rule = np.arange(grid), given["gate_at"], given["exit"]
    for depth in range(blocks + 1):
        sure = False
        if depth > 0 and a["transmitter"].get("exit_heads", False):
            logits = network.class_head(f"transmitter.exits.{depth}", x, c)
            sure = (
                rule["kind"] == "confidence"
                and depth >= rule["from"]
                and softmax(logits).max() >= rule["threshold"]
            )
        if sure and rule["answer"]:
            record.whole("transmitter.answer", [logits.argmax()])
            parts = answer_parts(grid, depth, int(logits.argmax()))
            return np.zeros(0, complex), send_header(
                record, parts, choose_format(parts, given["believed_snr_db"])
            )
        leaves = sure or depth >= given["depth"]
        if depth <= at[-1] and (leaves or depth in at):
            k = tokens_to_keep(keep ** (1 if leaves else (at.index(depth) + 1) / len(at)), grid)
            if k < len(places):
                head = f"transmitter.gate.scores.{depth}"
                if given["gate"] == "random":
                    draws = given["draws"]
                    scores = np.array(
                        [
                            uniform(
                                philox(draws["seed"], 5, draws["image"], draws["visit"], int(p))[0]
                            )
                            for p in places
                        ]
                    )
                else:
                    hidden = record.stage(
                        head + ".hidden",
                        gelu(network.linear(head + ".fc1", network.norm(head + ".norm", x, c))),
                    )
                    scores = network.linear(head + ".fc2", hidden)[:, 0]
                record.stage(head + ".scores", scores)
                stay = np.sort(np.argsort(-scores, kind="stable")[:k])
                x, places = x[stay], places[stay]
                record.whole(f"transmitter.kept.{depth}", places)
        if leaves:
            break
        x = network.block(f"transmitter.blocks.{depth}", x, c)
    mapped = record.stage(
        "transmitter.mapped",
        network.linear("transmitter.mapper", network.norm("transmitter.norm", x, c)),
    )
    symbols = (mapped[:, 0::2] + 1j * mapped[:, 1::2])[:, :s].ravel()
    symbols *= math.sqrt(len(symbols) / (abs(symbols) ** 2).sum())
    record.stage("transmitter.symbols", pairs(symbols))
    parts = header_parts(grid, depth, s, [int(p) for p in places] if sent else None, len(places))
    return symbols, send_header(record, parts, choose_format(parts, given["believed_snr_db"]))


# --- Receiver


def limited_log10(trained, variance):
    """Within what the model was trained for, where it says so."""
    if trained:
        low, high = trained
        least, most = 1 / (1 + 10 ** (high / 10)), max(1, 10 ** (-low / 10))
        variance = np.clip(variance, least / (1 + 1e-5), most * (1 + 1e-5))
    return np.log10(np.clip(variance, 1e-4, 1e3))


def receive(network, frame, h, n0):
    a, record, w = network.a, network.record, network.w
    grid, widest = len(w["receiver.position"]) - 1, a["max_symbols_per_token"]
    depth, s, places, k, header_uses, answer = read_header(frame, h, n0, grid)
    record.stage("heard.header", pairs(frame[:header_uses]))
    if answer is not None:
        record.whole("class", [answer])
        return
    y = frame[header_uses:]
    record.stage("heard.payload", pairs(y))
    divisor = abs(h) ** 2 + n0
    x = record.stage("receiver.equalised", pairs(np.conj(h) * y / divisor))
    v = record.stage("receiver.variance", np.full(len(y), n0 / divisor))
    token_v = v.reshape(k, s).mean(1)
    noise, image_noise = limited_log10(w.trained, token_v), limited_log10(w.trained, token_v.mean())
    c = network.condition(
        "receiver.condition",
        [
            image_noise,
            k / grid,
            depth / max(1, a["transmitter"]["blocks"]),
            math.log2(s) / 4,
            0.0 if places is None else 1.0,
        ],
    )
    inputs = np.zeros((k, 2 * widest + 1))
    inputs[:, : 2 * s] = x.reshape(k, 2 * s)
    inputs[:, -1] = noise
    record.stage("receiver.demapper.input", inputs)
    demapped = record.stage(
        "receiver.demapped",
        network.linear(
            "receiver.demapper.fc2", gelu(network.linear("receiver.demapper.fc1", inputs))
        ),
    )

    rebuilds = a["image_head"] and places is not None
    if rebuilds:
        x = np.repeat(w["receiver.missing"], grid, axis=0)
        row_noise = np.full(grid, image_noise)
        x[places], row_noise[places] = demapped, noise
        x = x + w["receiver.position"][:grid]
    else:
        x, row_noise = demapped + w["receiver.position"][grid if places is None else places], noise
    record.stage("receiver.placed", x)
    record.stage("receiver.noise", row_noise)

    for b in range(a["receiver"]["blocks"]):
        name = f"receiver.blocks.{b}"
        x = network.attended(name, x, c)
        n = network.norm(name + ".norm2", x, c)
        expert = lambda e, rows: network.linear(
            f"{name}.experts.{e}.fc2", gelu(network.linear(f"{name}.experts.{e}.fc1", rows))
        )
        if a["receiver"]["experts"] == 1:
            x = x + expert(0, n)
        else:
            z = record.stage(
                name + ".router", network.linear(name + ".router", np.column_stack([n, row_noise]))
            )
            p = record.stage(name + ".probabilities", softmax(z))
            chosen = p.argmax(1)
            record.whole(name + ".experts", chosen)
            x = x.copy()
            for e in range(a["receiver"]["experts"]):
                x[chosen == e] += p[chosen == e, e][:, None] * expert(e, n[chosen == e])
        record.stage(name + ".output", x)
    record.whole("class", [network.class_head("receiver.class_head", x, c).argmax()])
    if rebuilds:
        head = "receiver.image_head"
        hidden = record.stage(
            head + ".hidden",
            gelu(network.linear(head + ".fc1", network.norm(head + ".norm", x, c))),
        )
        patches = record.stage(head + ".patches", network.linear(head + ".fc2", hidden))
        height, width, channels = a["image"]
        columns = round(math.sqrt(grid * width / height))
        rows = grid // columns
        image = patches.reshape(rows, columns, channels, height // rows, width // columns)
        record.stage(
            "receiver.image", image.transpose(0, 3, 1, 4, 2).reshape(height, width, channels)
        )


# --- Noise and picture


def philox(seed, purpose, image, visit, place):
    """Philox4x32 with ten rounds (Salmon et al. 2011)."""
    counter, key, mask = (
        [place, visit, image, purpose],
        [seed & 0xFFFFFFFF, seed >> 32],
        0xFFFFFFFF,
    )
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            second >> 32 ^ counter[1] ^ key[0],
            second & mask,
            first >> 32 ^ counter[3] ^ key[1],
            first & mask,
        ]
        key = [key[0] + 0x9E3779B9 & mask, key[1] + 0xBB67AE85 & mask]
    return counter


def uniform(word):
    return (word + 0.5) / 2**32


def complex_normal(words):
    u0, u1 = map(uniform, words[:2])
    return math.sqrt(-math.log(u0)) * complex(
        math.cos(2 * math.pi * u1), math.sin(2 * math.pi * u1)
    )


def picture():
    r, c = np.mgrid[0:28, 0:28]
    return np.maximum(0, 230 - 2 * (r - 12) ** 2 - (c - 15) ** 2) + (3 * r + 5 * c) % 17


def run_header(given):
    """A header alone, sent and read again without noise, its payload silent."""
    record = Record()
    places = list(range(0, given["grid"], given["every"]))[: given["k"]]
    parts = header_parts(
        given["grid"], given["depth"], given["symbols_per_token"], places, given["k"]
    )
    symbols = send_header(record, parts, choose_format(parts, given["believed_snr_db"]))
    frame = np.concatenate([symbols, np.zeros(given["k"] * given["symbols_per_token"])])
    depth, s, read, k, _, _ = read_header(frame, 1.0, 1e-6, given["grid"])
    record.whole("header.read", [depth, s, k, *read])
    return record


def run(case, pixels):
    if case["given"]["pair"] == "header":
        return run_header(case["given"])
    record = Record()
    weights = Checkpoint(ROOT / case["model"])
    if weights.digest != case["weights_sha256"]:
        raise SystemExit(
            f"{case['model']}: its weights have the digest {weights.digest[:16]}..., "
            "the golden values were made for "
            f"{case['weights_sha256'][:16]}...: write them anew (docs/model_format.md says how)"
        )
    network, given = Network(weights, record), case["given"]
    image = record.stage("picture", pixels[:, :, None] / 255)
    if given["pair"] == "label":
        x, _ = network.tokeniser("classifier.tokeniser", image)
        for b in range(network.a["transmitter"]["blocks"]):
            x = network.block(f"classifier.blocks.{b}", x, None)
        label = int(network.class_head("classifier.class_head", x, None).argmax())
        record.whole("class", [label])
        parts = [number(label, max(1, math.ceil(math.log2(network.a["classes"]))))]
        send_header(record, parts, choose_format(parts, given["believed_snr_db"]))
        return record
    payload, header = transmit(network, image, given)
    sent = np.concatenate([header, payload])
    n0, u = given["noise_variance"], np.arange(len(sent))
    for reception in given["receptions"]:
        record.prefix = reception["name"] + "/"
        noise = {"none": 0 * u, "turning": math.sqrt(n0) * np.exp(0.7j * u.astype(float) ** 2)}[
            reception["noise"]
        ]
        gain = complex(*reception["gain"])
        receive(network, gain * sent + noise, gain, n0)
    return record


# --- Comparison


class Comparison:
    def __init__(self, quiet):
        self.quiet, self.failures, self.worst, self.compared = quiet, [], 0.0, 0

    def exact(self, place, got, golden):
        self.compared += 1
        if got != golden:
            self.failures.append(f"{place}: {got}, golden {golden}")
        if not self.quiet:
            shown = got if isinstance(got, str) else " ".join(map(str, got))
            print(f"  {place}: {shown[:90]}{'...' if len(shown) > 90 else ''}")

    def numbers(self, place, got, golden):
        if got["shape"] != golden["shape"]:
            self.failures.append(f"{place}: shape {got['shape']}, golden {golden['shape']}")
            return
        keys = ("mean", "deviation", "first", "last")
        x = np.concatenate([np.ravel(got[key]) for key in keys])
        g = np.concatenate([np.ravel(golden[key]) for key in keys])
        size = np.maximum(np.abs(g), max(golden["deviation"], 1e-300))
        error = float(np.max((np.abs(x - g) - 1e-6) / size))
        self.compared += 1
        self.worst = max(self.worst, error)
        if not error <= TOLERANCE:  # a NaN differs too
            self.failures.append(
                f"{place}: differs by {error:.1e} of its size, allowed are {TOLERANCE}\n"
                f"    {got}\n    golden {golden}"
            )
        if not self.quiet:
            first = " ".join(f"{v:.5g}" for v in got["first"][:4])
            print(
                f"  {place} {got['shape']}: mean {got['mean']:.6g} "
                f"deviation {got['deviation']:.6g} first {first}"
            )


def same_names(comparison, place, got, golden):
    if list(got) != list(golden):
        comparison.failures.append(
            f"{place}: other stages or another order: "
            f"{sorted(set(got) ^ set(golden)) or list(got)}"
        )


def main():
    parser = argparse.ArgumentParser(
        description="Rebuilds the network of docs/model_format.md, compares it with golden values."
    )
    parser.add_argument(
        "golden", nargs="?", default=ROOT / "docs/model_format_golden.json", type=pathlib.Path
    )
    parser.add_argument("--quiet", action="store_true", help="the verdict alone")
    arguments = parser.parse_args()
    golden = json.loads(arguments.golden.read_text())
    comparison = Comparison(arguments.quiet)

    pixels = picture()
    comparison.exact("picture", pixels.ravel().tolist(), golden["picture"])
    draws = golden["noise_draws"]
    z = [
        complex_normal(philox(draws["seed"], 1, draws["image"], draws["visit"], place))
        for place in range(4)
    ]
    error = np.abs(pairs(np.array(z)) - np.array(draws["values"])).max()
    comparison.compared += 1
    if error > 1e-6:
        comparison.failures.append(f"noise draws: {z}, golden {draws['values']}")
    for case in golden["cases"]:
        if not arguments.quiet:
            print(case["name"])
        record = run(case, pixels)
        stages = {stage.pop("stage"): stage for stage in case["stages"]}
        exact = {entry["entry"]: entry["value"] for entry in case["exact"]}
        same_names(comparison, case["name"], record.stages, stages)
        same_names(comparison, case["name"], record.exact, exact)
        for name in [n for n in record.stages if n in stages]:
            comparison.numbers(f"{case['name']}: {name}", record.stages[name], stages[name])
        for name in [n for n in record.exact if n in exact]:
            comparison.exact(f"{case['name']}: {name}", record.exact[name], exact[name])
    for failure in comparison.failures:
        print("DIFFERS", failure)
    print(
        f"rebuild.py: {comparison.compared} stages and entries compared, "
        f"{len(comparison.failures)} differ, largest difference "
        f"{comparison.worst:.1e} of a stage's size (allowed {TOLERANCE})"
    )
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
