#!/usr/bin/env python3
"""A complex AWGN link in PyTorch on one thread, three ways of writing it. Reads lines "WAY SYMBOLS REPETITIONS", answers with the seconds."""
import json
import sys
import time

import torch

torch.set_num_threads(1)
DEVIATION = 0.1 ** 0.5


def complex_randn(x, y):
    return x + DEVIATION * torch.randn(x.shape, dtype=x.dtype)


def real_randn(x, y):
    return x + torch.view_as_complex(torch.randn(*x.shape, 2) * (DEVIATION * 0.5 ** 0.5))


def in_place(x, y):
    torch.randn(y.shape, out=y)
    return torch.add(x, y, alpha=DEVIATION, out=y)


WAYS = {"complex_randn": complex_randn, "real_randn": real_randn, "in_place": in_place}

for line in sys.stdin:
    way, symbols, repetitions = line.split()
    x = torch.full((int(symbols),), 0.6 - 0.8j, dtype=torch.complex64)
    y = torch.empty_like(x)
    seconds = []
    for _ in range(int(repetitions)):
        start = time.perf_counter()
        WAYS[way](x, y)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "torch": torch.__version__}), flush=True)
