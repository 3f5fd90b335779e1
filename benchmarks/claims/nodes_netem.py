#!/usr/bin/env python3
"""Datagrams over a path that delays 50 ms, loses 5 % and reorders 2 %: totals exact, accuracy that of the simulated erasures."""
import heapq
import math
import random
import select
import socket
import subprocess
import threading
import time

from claim import NotMeasured, measure, read_lines
from nodes import SCENARIO, Node, free_port, fresh, listening

DELAY, LOSS, REORDER = 0.05, 0.05, 0.02
NAMES = ("semwave_netem_a", "semwave_netem_b")


class Namespaces:
    """Two network namespaces whose link is as the kernel's netem makes it, both ways."""

    host = "10.213.8.1"

    def __init__(self, port):
        self.port = port

    @staticmethod
    def prefix(end):
        return ("ip", "netns", "exec", NAMES[end])

    def __enter__(self):
        netem = f"netem delay {1000 * DELAY:.0f}ms loss {100 * LOSS:g}% reorder {100 * REORDER:g}%"
        made = subprocess.run(["sh", "-ec", f"""
            for n in {NAMES[0]} {NAMES[1]}; do ip netns del $n 2>/dev/null || true; ip netns add $n; done
            ip link add veth_swna netns {NAMES[0]} type veth peer name veth_swnb netns {NAMES[1]}
            ip -n {NAMES[0]} addr add 10.213.8.1/24 dev veth_swna; ip -n {NAMES[0]} link set veth_swna up
            ip -n {NAMES[1]} addr add 10.213.8.2/24 dev veth_swnb; ip -n {NAMES[1]} link set veth_swnb up
            tc -n {NAMES[0]} qdisc add dev veth_swna root {netem}
            tc -n {NAMES[1]} qdisc add dev veth_swnb root {netem}"""], capture_output=True, text=True)
        if made.returncode != 0:
            self.__exit__()
            raise OSError(made.stderr.strip().splitlines()[-1] if made.stderr else "ip or tc failed")
        return self

    def __exit__(self, *_):
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Relay:
    """On loopback, in its place: delays both ways, loses and reorders datagrams (the kernel mends what a stream loses), the draws from a seed."""

    host = "127.0.0.2"

    def __init__(self, port):
        self.port, self.stop, self.draws = port, threading.Event(), random.Random(17)
        self.sent = self.lost = self.overtook = 0
        self.threads = []

    @staticmethod
    def prefix(_):
        return ()

    def __enter__(self):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for end in (self.front, self.back):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.front.bind((self.host, self.port))
        self.back.connect(("127.0.0.1", self.port))
        self.door = socket.create_server((self.host, self.port))
        self.door.settimeout(0.1)
        for work in (self.datagrams, self.accept):
            self.start(work)
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for end in (self.front, self.back, self.door):
            end.close()

    def start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while not self.stop.is_set():
            try:
                near, _ = self.door.accept()
            except TimeoutError:
                continue
            far = socket.create_connection(("127.0.0.1", self.port))
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.start(self.stream, one, other)

    def stream(self, source, sink):
        waiting, ended = [], False
        while not self.stop.is_set() and (waiting or not ended):
            pause = min(0.1, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.1
            ready = [] if ended else select.select([source], [], [], pause)[0]
            if ended:
                time.sleep(pause)
            try:
                if ready:
                    piece = source.recv(1 << 16)
                    ended = not piece
                    waiting.append((time.monotonic() + DELAY, piece))
                while waiting and waiting[0][0] <= time.monotonic():
                    piece = waiting.pop(0)[1]
                    if piece:
                        sink.sendall(piece)
                    else:
                        sink.shutdown(socket.SHUT_WR)
            except OSError:
                break

    def datagrams(self):
        waiting = []
        while not self.stop.is_set():
            pause = min(0.1, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.1
            if select.select([self.front], [], [], pause)[0]:
                piece = self.front.recv(2048)
                self.sent += 1
                if self.draws.random() < LOSS:
                    self.lost += 1
                else:  # as netem does it: one that is not delayed overtakes all that are
                    overtakes = self.draws.random() < REORDER
                    self.overtook += overtakes
                    heapq.heappush(waiting, (time.monotonic() + (0 if overtakes else DELAY), self.sent, piece))
            while waiting and waiting[0][0] <= time.monotonic():
                try:
                    self.back.send(heapq.heappop(waiting)[2])
                except OSError:
                    pass


def over(claim, path, base):
    there, here = fresh(claim.work / "there"), fresh(claim.work / "here")
    listen = path.host if path.prefix(0) else "127.0.0.1"
    extra = ["--insecure"] if path.prefix(0) else []
    receiver = Node(claim, "receive", ["--listen", f"{listen}:{path.port}", "--out", there, *extra], claim.work / "receiver.log", settings=base, prefix=path.prefix(0))
    try:
        if not path.prefix(0):
            listening(receiver, path.port)
        transmitter = Node(claim, "transmit", ["--connect", f"{path.host}:{path.port}", "--datagrams", "--out", here, *extra], claim.work / "transmitter.log", settings=base, prefix=path.prefix(1))
        if transmitter.wait(1800) != 0:
            raise NotMeasured(f"the transmitter failed, see {transmitter.log}")
    finally:
        receiver.end()
    return read_lines(there / "results.jsonl")[0], read_lines(here / "results.jsonl")[0]


def body(claim):
    base = {"/source/count": claim.options.images, "/transmitter/positions": "none", "/channel": {"kind": "awgn", "snr_db": 10}}
    whole = claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), base, "whole")[0][0]
    port = free_port()
    try:
        if claim.options.relay:
            raise OSError("not asked for")
        with Namespaces(port) as path:
            heard, sent = over(claim, path, base)
    except OSError as reason:
        claim.note(f"netem between namespaces is not to be had ({reason}): a relay of this program stands in, on loopback")
        with Relay(port) as path:
            heard, sent = over(claim, path, base)
            claim.note(f"of {path.sent} datagrams {path.lost} were lost and {path.overtook} overtook others")
    exact = heard["images"] == sent["images"] == claim.options.images and heard["channel_uses"] == whole["channel_uses"] and sent["channel_uses"] == whole["channel_uses"]
    claim.check("totals", f"{heard['images']} images, channel uses {'equal' if exact else 'other'}", exact, "each image once at both ends, channel uses those of the simulation")

    # A datagram holds up to 143 symbols, all of an image here: each is one draw.
    symbols = heard["channel_uses"]["payload"] * heard["images"]
    erased, late = heard["node"]["erased_symbols"], heard["node"]["late_symbols"]
    lost = (erased - late) / symbols
    half = 4 * math.sqrt(LOSS * (1 - LOSS) / heard["images"])  # standard errors, of one command that is run often
    low, high = LOSS - half, LOSS + half
    claim.check("symbols lost on the way", f"{100 * lost:.2f} %, and {100 * late / symbols:.2f} % came late", low <= lost <= high, f"lost within [{100 * low:.2f}, {100 * high:.2f}] %, told apart in the row")
    if isinstance(path, Relay):
        each = symbols / path.sent
        claim.check("symbols of the datagrams that the relay lost", f"{erased - late} of {path.lost * each:.0f}", erased - late == round(path.lost * each), "all of them, and no other")
    share = erased / symbols
    simulated = {**base, "/channel": {"kind": "erasure", "loss": round(share, 6), "of": "packet", "packet_uses": 143, "snr_db": 10}}
    wanted = claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), simulated, "simulated", fresh=True)[0][0]
    low, high = wanted["accuracy_ci95"]
    claim.check("accuracy", f"{100 * heard['accuracy']:.2f} % against {100 * wanted['accuracy']:.2f} % simulated", low <= heard["accuracy"] <= high,
              f"within [{100 * low:.2f}, {100 * high:.2f}] % of the simulated erasure of as many")
    claim.check("both ends", "equal" if heard["accuracy"] == sent["accuracy"] else "other", math.isclose(heard["accuracy"], sent["accuracy"]), "the same accuracy")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--relay", action="store_true", help="the relay even where the kernel has netem")


measure("datagrams over a path that delays, loses and reorders", body, arguments)
