#!/usr/bin/env python3
"""A thousand hostile peers of every kind at once, beside a well-behaved transmitter; then 100 modest peers and 3 greedy ones."""
import asyncio
import collections
import multiprocessing
import re
import struct
import time

from claim import measure
from hostile import ANSWER, BURST, PING, RECEIPT, Closed, Honest, Wire, frame, fresh_node, printed_limit
from nodes import SCENARIO, Node, free_port, fresh, listening, rows_of


async def silent(port, honest):
    """Never says who it is."""
    wire = await Wire.open(port)
    await wire.reader.read()


async def half_hello(port, honest):
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node())[:20])
    await wire.reader.read()


async def half_frame(port, honest):
    """A burst of the largest size, all but its last byte."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()))
    await wire.hear()
    await wire.say(struct.pack("<IBBHI", 1 << 20, BURST, 0, 0, 0) + bytes((1 << 20) - 1))
    await wire.reader.read()


async def never_reads(port, honest):
    """Asks without end, and takes no answer."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()))
    while True:
        await wire.say(frame(PING) * 1000)


async def floods(port, honest):
    """Bursts as fast as they go, their answers unread."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()))
    bursts = b"".join(frame(BURST, burst) for burst in honest.bursts)
    while True:
        await wire.say(bursts)


async def lies(port, honest):
    """A valid burst whose truth names a coding that nobody has."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()))
    for coding in (1 << 28, 25, 3):
        await wire.say(frame(BURST, honest.coding(honest.bursts[0], coding)))
    while True:
        await wire.hear()


async def identities(port, honest):
    """Ever another name, a receipt for what was never sent, and gone."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()) + frame(RECEIPT, struct.pack("<HII", 1, 0, 1)))
    await wire.hear()
    wire.close()


async def forgetful(port, honest):
    """One image answered under ever another name, and no receipt for it."""
    wire = await Wire.open(port)
    await wire.say(honest.named(fresh_node()) + frame(BURST, honest.bursts[0]))
    for _ in range(2):
        await wire.hear()
    wire.close()


KINDS = (half_frame, never_reads, floods, lies, identities, forgetful, silent, half_hello)


def attack(port, honest, kinds, peers, ready, stop):
    """`peers` at once, each of these kinds alike, each again when it is thrown out, until `stop` is set."""
    tried = collections.Counter()

    async def forever(kind):
        while not stop.is_set():
            try:
                tried[kind.__name__] += 1
                await asyncio.wait_for(kind(port, honest), 20)
            except (OSError, Closed, asyncio.TimeoutError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(0.05)

    async def together():
        tasks = [asyncio.create_task(forever(kinds[number % len(kinds)])) for number in range(peers)]
        await asyncio.sleep(3)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(together())
    print("#     attempts: " + ", ".join(f"{name} {count}" for name, count in sorted(tried.items())), flush=True)


def hostile(claim, honest, settings, kinds, name):
    port = free_port()
    there = fresh(claim.work / "there")
    log = claim.work / "receiver.log"
    log.unlink(missing_ok=True)
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--out", there], log, settings=settings)
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    attackers = multiprocessing.Process(target=attack, args=(port, honest, kinds, claim.options.peers, ready, stop))
    try:
        listening(receiver, port)
        limit = printed_limit(log)
        attackers.start()
        ready.wait(60)
        transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1, "--patience", 300], claim.work / "transmitter.log", settings=settings)
        started = time.monotonic()
        status = transmitter.wait(900)
        seconds = time.monotonic() - started
        time.sleep(max(0.0, claim.options.seconds - seconds))
        peak = receiver.memory_mib()
        stop.set()
        attackers.join(60)
        lived = receiver.alive()
        ended = receiver.end()
    finally:
        stop.set()
        if attackers.is_alive():
            attackers.terminate()
        receiver.kill()
    claim.check(f"{claim.options.peers} {name}: largest resident memory of the receiver", f"{peak:.0f} MiB", peak < limit, f"below the {limit} MiB that it prints")
    claim.check("the receiver", f"ended with {ended}", lived and ended == 0, "lives, and ends with 0")
    same = status == 0 and rows_of(claim.work / "run")[0] in rows_of(there)
    claim.check(f"a well-behaved transmitter meanwhile ({seconds:.1f} s)", "unaffected" if same else f"status {status}", same, "answered, its row that of the simulation")
    lines = [line for line in log.read_text(errors="replace").splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]
    claim.check("lines in the log of a receiver that is to be quiet", len(lines), not lines, "none")


async def asks(port, bursts, hello, window, served, begin, end):
    """Keeps `window` bursts without an answer, the same images again and again; `served`: answers between the two times."""
    wire = await Wire.open(port, small=False)
    await wire.say(hello)
    await wire.hear()
    await wire.say(b"".join(bursts[at % len(bursts)][0] for at in range(window)))
    at = window
    while (now := time.monotonic()) < end:
        kind, _ = await wire.hear()
        if kind != ANSWER:
            continue
        served.append(1 if begin <= now < end else 0)
        burst, receipt = bursts[at % len(bursts)]
        at += 1
        await wire.say(receipt + burst)
    wire.close()


def crowd(port, bursts, hellos, window, begin, end, out):
    """Peers in a process of their own: many of them must not be what the receiver waits for."""
    counts = [[] for _ in hellos]

    async def together():
        ended = await asyncio.gather(*[asks(port, bursts, hello, window, served, begin, end) for hello, served in zip(hellos, counts)], return_exceptions=True)
        for problem in {repr(one) for one in ended if one is not None}:
            print("#     a peer ended early: " + problem, flush=True)

    asyncio.run(together())
    out.put([sum(served) for served in counts])


def shares(claim, honest, settings):
    port = free_port()
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--threads", 1, "--batch", 16], claim.work / "shares.log", settings=settings)
    bursts = [(frame(BURST, body), frame(RECEIPT, struct.pack("<H", 1) + body[:8])) for body in honest.bursts]
    groups = {"modest": (claim.options.modest, claim.options.modest_window), "greedy": (claim.options.greedy, 256)}
    out = {name: multiprocessing.Queue() for name in groups}
    hellos = {name: [honest.named(fresh_node()) for _ in range(count)] for name, (count, _) in groups.items()}
    children = []
    try:
        listening(receiver, port)
        begin = time.monotonic() + 10  # all are here by then
        end = begin + claim.options.share_seconds
        children = [multiprocessing.Process(target=crowd, args=(port, bursts, hellos[name], window, begin, end, out[name])) for name, (_, window) in groups.items()]
        for child in children:
            child.start()
        served = {name: sorted(queue.get(timeout=claim.options.share_seconds + 120)) for name, queue in out.items()}
    finally:
        for child in children:
            child.join(10)
        receiver.end()
    few, much, total = served["modest"], served["greedy"], sum(map(sum, served.values()))
    claim.note(f"{total} answers in {claim.options.share_seconds:.0f} s: a modest peer {few[0]} to {few[-1]}, a greedy one {much[0]} to {much[-1]}")
    even = len(much) / (len(much) + len(few))
    share = sum(much) / max(1, total)
    claim.check(f"share of {len(much)} greedy among {len(few)} modest peers", f"{share:.3f}, {share / even:.2f} times an even one", few[0] > 0 and share <= 2 * even, f"at most twice the even share of {even:.3f}")
    ratio = much[-1] / max(1, few[0])
    claim.check("most of a greedy over least of a modest peer", f"{ratio:.2f}", ratio <= 2, "at most 2")


def body(claim):
    settings = {"/source/count": claim.options.images}
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    honest = Honest(lambda port: Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1], claim.work / "taken.log", settings=settings), 32)
    hostile(claim, honest, settings, KINDS, "hostile peers of every kind")
    hostile(claim, honest, settings, (half_frame,), "half frames")
    hostile(claim, honest, settings, (never_reads,), "peers that never read")
    shares(claim, honest, settings)


def arguments(parser):
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30, help="the attack lasts at least so long")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--modest", type=int, default=100)
    parser.add_argument("--greedy", type=int, default=3)
    parser.add_argument("--modest-window", type=int, default=4, help="images that a modest peer has without an answer")
    parser.add_argument("--share-seconds", type=float, default=20)


measure("hostile peers", body, arguments)
