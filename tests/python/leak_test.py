"""Ten thousand calls of each kind leave the process as large as it was."""
import gc
import resource
import unittest

import numpy as np

import semwave

CALLS = 10_000
ALLOWED = 4 << 20  # bytes; a leak of one array of 4 KiB a call would be ten times as much


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Leaks(unittest.TestCase):
    def stays(self, call, calls=CALLS):
        for _ in range(calls // 10):
            call()
        before = resident()
        for _ in range(calls):
            call()
        self.assertLess(resident() - before, ALLOWED)

    def test_none_of_channels(self):
        channel, x = semwave.Channel("rayleigh"), np.ones((4, 128), np.complex64)
        out = np.empty_like(x)
        self.stays(lambda: channel.apply(x, out=out, slope=True).equalise(slope=True))
        self.stays(lambda: channel.observe(channel.realise([1, 2, 3])))
        self.stays(lambda: semwave.Channel({"kind": "tdl", "snr_db": 3}).settings)

    def test_none_of_errors(self):
        channel, bad = semwave.Channel("awgn"), np.full((2, 600), np.nan, np.complex64)

        def fail():
            try:
                channel.apply(bad)
            except semwave.Error:
                return
            raise AssertionError

        self.stays(fail)

    def test_none_of_links_and_codecs(self):
        link, codec = semwave.Link(
            {"code": "polar", "rate": 0.5, "block_bits": 100}
        ), semwave.Codec("jpeg")
        bits, picture = np.zeros((1, 100), np.uint8), np.zeros((16, 16, 1), np.uint8)
        self.stays(lambda: link.decode(link.demap(link.modulate(link.encode(bits)), 1, 0.1)))
        self.stays(lambda: codec.decode(codec.encode(picture, 50), (16, 16, 1)))

    def test_none_of_long_work(self):
        images = np.zeros((1, 16, 16, 1), np.uint8)
        self.stays(
            lambda: semwave.baseline(
                images, 500, "awgn", progress=lambda event: None, frame=False, threads=1
            ),
            CALLS // 10,
        )
        self.stays(lambda: semwave.list())
