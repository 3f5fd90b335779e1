#!/usr/bin/env python3
"""A channel from Python on symbols that lie in memory. Reads lines "KIND IMAGES SYMBOLS
REPETITIONS", answers with the seconds.

The other side of benchmarks/channel_apply.cpp; wants build/python in PYTHONPATH.
"""
import json
import sys
import time

import numpy

import semwave

for line in sys.stdin:
    kind, images, symbols, repetitions = line.split()
    channel = semwave.Channel({"kind": kind, "snr_db": 10})
    x = numpy.full((int(images), int(symbols)), 0.6 - 0.8j, numpy.complex64)
    y = numpy.empty_like(x)
    seconds = []
    for _ in range(int(repetitions)):
        start = time.perf_counter()
        channel.apply(x, seed=7, out=y)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}), flush=True)
