#!/usr/bin/env python3
"""A million malformed frames against a receiver that serves a well-behaved transmitter meanwhile."""
import random
import re
import socket
import struct
import threading
import time

from claim import ROOT, measure
from nodes import SCENARIO, Node, free_port, fresh, listening, rows_of


def golden():
    """Frames of docs/wire_format.md and the fuzzer's corpus."""
    made, current = [], None
    for line in (ROOT / "docs" / "wire_format.md").read_text().splitlines():
        if line.startswith("golden "):
            made.append("")
            current = True
        elif current and re.fullmatch(r"[0-9a-f ]+", line):
            made[-1] += line.replace(" ", "")
        else:
            current = None
    frames = [bytes.fromhex(text) for text in made]
    corpus = ROOT / "tests" / "fuzz" / "corpus" / "wire"
    return frames + [path.read_bytes() for path in sorted(corpus.iterdir())] if corpus.is_dir() else frames


def spoil(draws, frames):
    frame = bytearray(draws.choice(frames))
    kind = draws.randrange(4)
    if kind == 0:  # flipped bits
        for _ in range(draws.randrange(1, 4)):
            frame[draws.randrange(len(frame))] ^= 1 << draws.randrange(8)
    elif kind == 1:  # cut short
        del frame[draws.randrange(len(frame)):]
    elif kind == 2:  # a lie about its length
        frame[0:4] = struct.pack("<I", draws.choice([0, 1, 255, 65535, 1 << 20, (1 << 32) - 1]))
    else:  # not a frame at all
        frame = bytearray(draws.randbytes(draws.randrange(1, 200)))
    return bytes(frame)


def body(claim):
    frames = golden()
    settings = {"/source/count": 2000}
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    port = free_port()
    there = fresh(claim.work / "there")
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--out", there, "--handshake-timeout", 1], claim.work / "receiver.log", settings=settings)
    sent = [0] * claim.options.attackers
    stop = threading.Event()

    def attack(number):
        draws = random.Random(1000 + number)
        share = claim.options.frames // claim.options.attackers
        while sent[number] < share and not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    # Several at once: the first ends the conversation, the others must not matter.
                    for _ in range(draws.randrange(1, 20)):
                        connection.sendall(spoil(draws, frames))
                        sent[number] += 1
            except OSError:
                sent[number] += 1

    try:
        listening(receiver, port)
        warm = [threading.Thread(target=attack, args=(number,)) for number in range(claim.options.attackers)]
        started = time.monotonic()
        for thread in warm:
            thread.start()
        time.sleep(2)
        early = receiver.resident_mib()
        transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1], claim.work / "transmitter.log", settings=settings)
        status = transmitter.wait(1800)
        for thread in warm:
            thread.join()
        late, alive = receiver.resident_mib(), receiver.alive()
        seconds = time.monotonic() - started
    finally:
        stop.set()
        receiver.end()
    claim.check("malformed frames", f"{sum(sent)} in {seconds:.0f} s", sum(sent) >= claim.options.frames * 0.999 and alive, f"{claim.options.frames}, and the receiver lives")
    claim.check("resident memory, early and late", f"{early:.0f} and {late:.0f} MiB", late <= early + 32, "no growth beyond 32 MiB")
    same = status == 0 and rows_of(there) == rows_of(claim.work / "run")
    claim.check("a well-behaved transmitter meanwhile", "unaffected" if same else f"status {status}", same, "answered, its row that of the simulation")


def arguments(parser):
    parser.add_argument("--frames", type=int, default=1000000)
    parser.add_argument("--attackers", type=int, default=4)


measure("malformed frames", body, arguments)
