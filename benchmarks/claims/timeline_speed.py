#!/usr/bin/env python3
"""10,000 slots x 64 links with the network left out: decisions a second, and memory that does not grow with the slots."""
from claim import measure

LEAST = 20000          # decisions a second
LARGEST_GROWTH = 8     # MiB between 2,000 and 10,000 slots


def body(claim):
    memory = {}
    for slots in (2000, 10000):
        settings = {"/timeline/slots": slots, "/timeline/links": 64, "/timeline/arrivals": "periodic", "/metrics": [], "/output/records": False, "/sweep": {}}
        rows, ended = claim.run("scenarios/doppler_timeline.json", settings, f"slots_{slots}", fresh=True)
        memory[slots] = ended.memory_mib
        made = rows[0]
        rate = made["timeline"]["sent"] / made["seconds"]["total"]
        claim.note(f"{slots} slots: {made['timeline']['sent']} decisions in {made['seconds']['total']:.1f} s, {ended.memory_mib:.1f} MiB at most")
    claim.check("decisions a second, 10,000 slots x 64 links, policy " + str(made["point"] or "of the scenario"), f"{rate:.0f}", rate >= LEAST, f"at least {LEAST}")
    growth = memory[10000] - memory[2000]
    claim.check("memory at 10,000 slots less at 2,000", f"{growth:+.1f} MiB", growth <= LARGEST_GROWTH, f"at most {LARGEST_GROWTH} MiB")


measure("a timeline with the network left out", body)
