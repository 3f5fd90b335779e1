#!/usr/bin/env python3
"""Under 999 silent connections, renewed every 4 s, and garbage as datagrams from one core: a transmit and the status page."""
import multiprocessing
import os
import random
import resource
import socket
import statistics
import subprocess
import threading
import time

from claim import NotMeasured, measure, read_lines
from nodes import SCENARIO, Node, free_port, fresh, listening, rows_of, timeless

MOST_RATIO, MOST_PAGE_SECONDS = 2.0, 0.5
SILENT, RENEWED = 999, 4.0


def attack(core, port, seconds, work):
    """In a process of its own, on one core, for so long at most."""
    os.sched_setaffinity(0, {core})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 1 << 16, hard))
    work(port, time.monotonic() + seconds)


def hang_on(port, until):
    held = []
    while time.monotonic() < until:
        while len(held) < SILENT:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            held.append((time.monotonic(), one))
        while held and time.monotonic() - held[0][0] > RENEWED:
            held.pop(0)[1].close()
        time.sleep(0.01)


def flood(port, until):
    garbage = [random.Random(1).randbytes(size) for size in (34, 100, 1200)] + [b"\1" + bytes(3) + random.Random(2).randbytes(60)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        while time.monotonic() < until:
            for _ in range(250):
                for bytes_ in garbage:
                    try:
                        sender.send(bytes_)
                    except OSError:  # the port is closed, or no buffer is free
                        pass


class Attackers:
    def __init__(self, core, port, seconds=300):
        self.children = [multiprocessing.Process(target=attack, args=(core, port, seconds, work), daemon=True) for work in (hang_on, flood)]

    def __enter__(self):
        for child in self.children:
            child.start()
        time.sleep(1.5)  # all have connected
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()
            child.join()


class Decoy:
    """A port that takes connections and nothing else: the attackers' work without anybody who minds them."""

    def __init__(self):
        self.door = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.door.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.door.close()


class Browser:
    """Asks for the page every 50 ms; the slowest answer, 10 s standing for none."""

    def __init__(self, port):
        self.port, self.slowest, self.asked, self.stop = port, 0.0, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.stop.wait(0.05):
            begun = time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as page:
                    page.settimeout(10)
                    page.sendall(b"GET /status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while piece := page.recv(65536):
                        answer += piece
                took = time.monotonic() - begun if answer.startswith(b"HTTP/1.1 200") else 10.0
            except OSError:
                took = 10.0
            self.slowest, self.asked = max(self.slowest, took), self.asked + 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def scene(claim, name, cores, keys, settings):
    port, page = free_port(), free_port()
    secured = lambda node: ["--keys", keys, "--as", node] if keys else []
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--status", f"127.0.0.1:{page}", "--threads", 1, *secured("receiver")], fresh_log(claim, f"{name}_receiver"),
                    settings=settings, pin=cores[0])
    log = fresh_log(claim, f"{name}_transmitter")
    said = ["--peer", "receiver"] if keys else []

    def transmit(how, folder):
        node = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1, "--out", fresh(claim.work / folder), *how, *secured("transmitter"), *said], log, settings=settings, pin=cores[0])
        if node.wait(120) != 0:
            raise NotMeasured(f"the transmitter failed, see {log}")
        return node.seconds

    def cpu_seconds():
        with open(f"/proc/{receiver.child.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    try:
        listening(receiver, port)
        with Attackers(cores[-1], port):
            before = cpu_seconds()
            time.sleep(5)
            claim.note(f"{name}: strangers take {100 * (cpu_seconds() - before) / 5:.1f} % of a core of a receiver that is idle")
        for how, words in (([], "stream"), (["--datagrams"], "datagrams")):
            transmit(how, "warm")
            quiet, decoyed, stalled, slowest, asked = [], [], [], 0.0, 0
            for _ in range(claim.options.rounds):  # in turns: what else the machine does meets all alike
                quiet.append(transmit(how, f"{name}_{words}_quiet"))
                with Decoy() as decoy, Attackers(cores[-1], decoy.port):
                    decoyed.append(transmit(how, f"{name}_{words}_decoy"))
                with Attackers(cores[-1], port), Browser(page) as browser:
                    stalled.append(transmit(how, f"{name}_{words}"))
                slowest, asked = max(slowest, browser.slowest), asked + browser.asked
            before, aside, under = (statistics.median(times) for times in (quiet, decoyed, stalled))
            what = f"{name}, {words}"
            claim.check(f"{what}: a transmit under the attack", f"{under:.2f} s against {before:.2f} s, {under / before:.2f} times", under <= MOST_RATIO * before,
                      f"at most {MOST_RATIO:g} times, medians of {claim.options.rounds}")
            claim.note(f"{what}: {aside:.2f} s while the same attackers work on a port of nobody's")
            claim.check(f"{what}: slowest status page", f"{slowest:.3f} s of {asked}", slowest < MOST_PAGE_SECONDS, f"below {MOST_PAGE_SECONDS} s")
            row = read_lines(claim.work / f"{name}_{words}" / "results.jsonl")[0]
            if words == "stream":
                same = timeless(row) == rows_of(claim.work / "run")[0]
                claim.check(f"{what}: its row", "equal" if same else "other", same, "that of the simulation, times aside")
            else:
                symbols = row["channel_uses"]["payload"] * row["images"]
                claim.note(f"{what}: {row['node']['erased_symbols']} of {symbols:.0f} symbols erased under the attack")
    finally:
        receiver.end()


def fresh_log(claim, name):
    log = claim.work / f"{name}.log"
    log.unlink(missing_ok=True)
    return log


def body(claim):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotMeasured("two cores are needed")
    settings = {"/source/count": claim.options.images, "/output/records": False}
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    scene(claim, "plain", cores, None, settings)
    keys = fresh(claim.work / "keys")
    subprocess.run([claim.options.semwave, "keys", keys], check=True, capture_output=True)
    scene(claim, "TLS", cores, keys, settings)


def arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=500)


measure("a receiver under attack by strangers", body, arguments)
