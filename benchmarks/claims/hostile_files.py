#!/usr/bin/env python3
"""Files made to hurt: pictures that unpack to gigabytes, results nested without end, pipes in a file's place, names that move a terminal's cursor."""
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import zlib

from claim import measure
from nodes import SCENARIO, Node, free_port, fresh, listening

EVIL = "\x1b]0;owned\x07\u009b2J\u202e"
PATIENCE = 20  # seconds until a command counts as hanging
TEXT = 7999000  # bytes of one text unpacked; libpng refuses 8 MB and more


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(before=b"", behind=0):
    """A grey 28 x 28 PNG; `before` stands ahead of its pixels, so many zero bytes behind them in their stream."""
    packer = zlib.compressobj(9)
    data = packer.compress(bytes(28 * 29))
    for _ in range(behind >> 20):
        data += packer.compress(bytes(1 << 20))
    data += packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pictures():
    packed = zlib.compress(b"x" * TEXT, 9)
    return {"950 zTXt chunks": picture(950 * chunk(b"zTXt", b"k\0\0" + packed)), "160 iTXt chunks": picture(160 * chunk(b"iTXt", b"k\0\1\0\0\0" + packed)),
            "900 iCCP chunks": picture(900 * chunk(b"iCCP", b"k\0\0" + packed)), "2 GB behind the last row": picture(behind=2 << 30)}


def printable(text):
    return not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffd" for c in text)


def said_by(command):
    """(status, all it said, seconds); status -1 where it had to be killed."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        said = child.communicate(timeout=PATIENCE)[0]
        status = child.returncode
    except subprocess.TimeoutExpired:
        child.kill()
        said, status = child.communicate()[0], -1
    return status, said.decode(errors="replace"), time.monotonic() - started


def idle_memory(claim):
    """A run over one harmless picture."""
    return folder_run(claim, "harmless", picture())[0].memory_mib


def folder_run(claim, name, data):
    folder = fresh(claim.work / "pictures")
    (folder / "test" / "a").mkdir(parents=True)
    (folder / "test" / "a" / "0.png").write_bytes(data)
    log = claim.work / f"{name}.log"
    ended = claim.execute(claim.command("run", SCENARIO, {"/source": {"dataset": "folder", "path": str(folder)}}, threads=1), log)
    return ended, log


def as_data_set(claim, made):
    base = idle_memory(claim)
    for name, data in made.items():
        ended, _ = folder_run(claim, name.replace(" ", "_"), data)
        more = ended.memory_mib - base
        claim.check(f"a PNG of {len(data) / 1e6:.1f} MB as a data set, {name}: memory beyond a harmless one's, time", f"{more:.0f} MiB, {ended.seconds:.1f} s",
                  more <= 128 and ended.seconds <= PATIENCE and ended.status in (0, 2), f"at most 128 MiB, {PATIENCE} s")


def in_a_watched_folder(claim, made):
    watched = fresh(claim.work / "watched")
    watched.mkdir(parents=True)
    log = claim.work / "transmitter.log"
    log.unlink(missing_ok=True)
    port = free_port()
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}"], claim.work / "receiver.log")
    try:
        listening(receiver, port)
        transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--watch", watched, "--count", len(made), "--threads", 1], log)
        time.sleep(2)
        before = transmitter.memory_mib()
        for number, (name, data) in enumerate(made.items()):
            (watched / f"{number}.png").write_bytes(data)
        peak, started = before, time.monotonic()
        while transmitter.alive() and time.monotonic() - started < PATIENCE:
            peak = max(peak, transmitter.memory_mib())
            time.sleep(0.05)
            if b"not sent" in log.read_bytes() and time.monotonic() - started > 5:
                break
        transmitter.end()
    finally:
        receiver.end()
    claim.check("the same in a watched folder: growth of the transmitter", f"{peak - before:.0f} MiB", peak - before <= 128, "at most 128 MiB")


def results(claim):
    scenario = {"/stop/max_images": 10}
    out = claim.work / "results"
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), scenario, "results", fresh=True)
    row = (out / "results.jsonl").read_text().splitlines()[0]
    with open(out / "results.jsonl", "a") as file:  # a row like any other, but for one value
        file.write('{"note": ' + "[" * 100000 + "]" * 100000 + ", " + row[1:] + "\n")
    for name, command in {"run": claim.command("run", SCENARIO, scenario, out), "compare": [claim.options.semwave, "compare", str(out), str(out)],
                          "receive": claim.command("receive", SCENARIO, scenario, out) + ["--listen", "127.0.0.1:0"]}.items():
        status, said, _ = said_by(command)
        claim.check(f"results.jsonl nested 100,000 deep: {name}", f"status {status}", status == 2 and "line" in said, "status 2 and its line")


def pipes(claim):
    pipe = claim.work / "pipe"
    claim.work.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    folder = fresh(claim.work / "pipes")
    (folder / "test" / "a").mkdir(parents=True)
    os.mkfifo(folder / "test" / "a" / "0.png")
    for name, command in {"scenario": [claim.options.semwave, "run", str(pipe)], "model": claim.command("run", SCENARIO, {"/model": str(pipe)}),
                          "picture": claim.command("run", SCENARIO, {"/source": {"dataset": "folder", "path": str(folder)}})}.items():
        status, said, seconds = said_by(command)
        claim.check(f"a named pipe as {name}", f"status {status} after {seconds:.1f} s", status == 2 and "regular file" in said, f"refused within {PATIENCE} s")
    reading, writing = os.pipe()
    child = subprocess.Popen([claim.options.semwave, "run", f"/dev/fd/{reading}"], pass_fds=[reading], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(5)
        ended = True
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        ended = False
    os.close(reading)
    os.close(writing)
    claim.check("SIGTERM while a scenario is waited for", "ended" if ended else "swallowed", ended, "the first ends it")


def words(claim):
    folder = fresh(claim.work / "words")
    folder.mkdir(parents=True)
    scenario = json.loads(SCENARIO.read_text())
    scenario["name"] = "\u00f6 \u009b2J\u202e"
    scenario["model"] = str((SCENARIO.parent / scenario["model"]).resolve())
    scenario["stop"] = {"max_images": 5}
    (folder / "named.json").write_text(json.dumps(scenario))
    scenario[EVIL + "\nsemwave: false line"] = 1
    (folder / "wrong.json").write_text(json.dumps(scenario))
    for name, arguments, lines in [("a table", ["run", folder / "named.json", "--quiet"], None), ("rows as JSON", ["run", folder / "named.json", "--quiet", "--json"], None),
                                   ("a key that is wrong", ["run", folder / "wrong.json"], 1), ("a file that is not there", ["run", folder / (EVIL + "\n")], 1)]:
        status, said, _ = said_by([claim.options.semwave, *map(str, arguments)])
        quiet = printable(said) and "\nfalse line" not in said and (lines is None or said.count("\n") == lines)
        claim.check(f"escape sequences in names, {name}", f"status {status}, {'printable' if quiet else 'raw'}", quiet and status == (0 if lines is None else 2), "printable, an error of one line")


def body(claim):
    made = pictures()
    as_data_set(claim, made)
    in_a_watched_folder(claim, made)
    results(claim)
    pipes(claim)
    words(claim)
    shutil.rmtree(claim.work / "watched", ignore_errors=True)
    shutil.rmtree(claim.work / "pictures", ignore_errors=True)


measure("hostile files", body)
