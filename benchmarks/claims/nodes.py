"""What the claims of nodes share: a receiver and transmitters of `semwave` on this machine, started, watched and ended."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

from claim import ROOT, NotMeasured, last_words, read_lines

SCENARIO = ROOT / "scenarios" / "node.json"
NOT_TIMES = ("seconds", "images_per_second", "node")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def timeless(row):
    return json.dumps({key: value for key, value in row.items() if key not in NOT_TIMES})


def rows_of(folder):
    return [timeless(row) for row in read_lines(folder / "results.jsonl")]


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    return folder


class Node:
    """One child; ends with this object's `end` at the latest."""

    def __init__(self, claim, verb, arguments, log, scenario=SCENARIO, settings=None, pin=None, prefix=()):
        self.log = log
        if not os.access(claim.options.semwave, os.X_OK):
            raise NotMeasured(f"{claim.options.semwave} is not there: build it, or give --semwave")
        command = [*prefix]
        if pin is not None:
            command += ["taskset", "-c", str(pin)]
        command += [claim.options.semwave, verb, str(scenario), "--quiet", *map(str, arguments)]
        for pointer, value in (settings or {}).items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as sink:
            self.child = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, cwd=ROOT)
        self.started = time.monotonic()

    def alive(self):
        return self.child.poll() is None

    def memory_mib(self):
        try:
            with open(f"/proc/{self.child.pid}/status") as status:
                return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            return 0.0

    def resident_mib(self):
        try:
            with open(f"/proc/{self.child.pid}/status") as status:
                return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
        except (OSError, StopIteration):
            return 0.0

    def wait(self, limit=600):
        try:
            status = self.child.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotMeasured(f"did not end within {limit} s: {last_words(self.log)}") from None
        self.seconds = time.monotonic() - self.started
        return status

    def end(self):
        """As Ctrl-C does; returns the exit status."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
        return self.wait(60)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()


def listening(node, port, host="127.0.0.1", limit=60):
    until = time.monotonic() + limit
    while time.monotonic() < until and node.alive():
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.02)
    raise NotMeasured(f"the receiver does not listen: {last_words(node.log)}")


def journal_bodies(path):
    """The body of each whole record in the order it was written (docs/wire_format.md)."""
    data = path.read_bytes()
    at = 0
    while at + 12 <= len(data):
        length, kind = struct.unpack_from("<IB", data, at)
        if at + 12 + length > len(data):
            return
        if kind == 10:
            yield memoryview(data)[at + 12:at + 12 + length]
        at += 12 + length


def journal(path):
    """(node id, point, image) of each record."""
    for body in journal_bodies(path):
        point, = struct.unpack_from("<I", body, 16)
        name, = struct.unpack_from("<H", body, 52)
        image, = struct.unpack_from("<I", body, 54 + name + 1)
        yield bytes(body[:16]), point, image


def journal_stages(path):
    """(encode, queue, wire, channel, decode) in ns of each record: its last 40 bytes."""
    for body in journal_bodies(path):
        yield struct.unpack_from("<5Q", body, len(body) - 40)
