#!/usr/bin/env python3
"""Two nodes over loopback, and between two network namespaces, against the simulation: rows and records, times aside."""
import subprocess

from claim import NotMeasured, measure
from nodes import SCENARIO, Node, free_port, fresh, listening, rows_of, timeless

COUNT = 2000


def nodes(claim, name, settings, server_prefix=(), client_prefix=(), host="127.0.0.1", extra=()):
    port = free_port()
    there, here = fresh(claim.work / f"{name}_there"), fresh(claim.work / f"{name}_here")
    receiver = Node(claim, "receive", ["--listen", f"{host}:{port}", "--out", there, *extra], claim.work / f"{name}_receiver.log", settings=settings, prefix=server_prefix)
    try:
        if not server_prefix:
            listening(receiver, port, host)
        transmitter = Node(claim, "transmit", ["--connect", f"{host}:{port}", "--out", here, *extra], claim.work / f"{name}_transmitter.log", settings=settings, prefix=client_prefix)
        if transmitter.wait() != 0:
            raise NotMeasured(f"the transmitter failed, see {transmitter.log}")
    finally:
        receiver.end()
    return there, here


def compare(claim, what, run, there, here):
    wanted, records = rows_of(run), (run / "records.jsonl").read_text()
    for end, folder in (("transmitter", here), ("receiver", there)):
        same = sum(a == b for a, b in zip(rows_of(folder), wanted))
        claim.check(f"{what}: rows of the {end}", f"{same} of {len(wanted)} equal", rows_of(folder) == wanted, "identical, times aside")
        got = (folder / "records.jsonl").read_text()
        claim.check(f"{what}: records of the {end}", f"{len(got.splitlines())} lines, {'equal' if got == records else 'other'} bytes", got == records, "identical")


def body(claim):
    settings = {"/source/count": COUNT, "/sweep": {"/channel/snr_db": [0, 10]}}
    rows, _ = claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    assert timeless(rows[0])
    run = claim.work / "run"
    compare(claim, "loopback", run, *nodes(claim, "loopback", settings))
    names = ("semwave_claim_a", "semwave_claim_b")
    try:
        made = subprocess.run(["sh", "-ec", f"""
            for n in {names[0]} {names[1]}; do ip netns del $n 2>/dev/null || true; ip netns add $n; done
            ip link add veth_swa netns {names[0]} type veth peer name veth_swb netns {names[1]}
            ip -n {names[0]} addr add 10.213.7.1/24 dev veth_swa; ip -n {names[0]} link set veth_swa up
            ip -n {names[1]} addr add 10.213.7.2/24 dev veth_swb; ip -n {names[1]} link set veth_swb up"""], capture_output=True, text=True)
    except FileNotFoundError:
        made = None
    if made is None or made.returncode != 0:
        claim.note(f"network namespaces cannot be made here: {made.stderr.strip().splitlines()[-1] if made and made.stderr else 'no ip'}")
        return
    try:
        prefix = lambda name: ("ip", "netns", "exec", name)
        compare(claim, "two namespaces", run, *nodes(claim, "namespaces", settings, prefix(names[0]), prefix(names[1]), "10.213.7.1", ["--insecure"]))
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


measure("rows and records of two nodes against semwave run", body)
