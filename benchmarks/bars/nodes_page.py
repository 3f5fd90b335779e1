#!/usr/bin/env python3
"""The status page in headless Chromium: it shows what was received, needs no other host, and fits a phone."""
import json
import re
import shutil
import subprocess
import urllib.request

from bar import NotMeasured, measure
from nodes import SCENARIO, Node, free_port, listening


def body(bar):
    chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        raise NotMeasured("no Chromium: apt-get install chromium")
    settings = {"/source/count": 500, "/output/records": False}
    port, status = free_port(), free_port()
    receiver = Node(bar, "receive", ["--listen", f"127.0.0.1:{port}", "--status", f"127.0.0.1:{status}"], bar.work / "receiver.log", settings=settings)
    try:
        listening(receiver, port)
        if Node(bar, "transmit", ["--connect", f"127.0.0.1:{port}"], bar.work / "transmitter.log", settings=settings).wait() != 0:
            raise NotMeasured("the transmitter failed")
        shown = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{status}/status.json").read())
        bar.check("images in status.json", shown["images"], shown["images"] == 500, "500")
        page = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=390,844", "--virtual-time-budget=3000", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        dom = subprocess.run([*page, "--dump-dom", f"http://127.0.0.1:{status}/"], capture_output=True, text=True, timeout=120).stdout
        accuracy = re.search(r'id="accuracy"[^>]*>([^<]*)<', dom)
        wanted = f"{100 * shown['accuracy']:.2f}".rstrip("0").rstrip(".") + " %"
        bar.check("accuracy on the page", accuracy.group(1) if accuracy else "none", accuracy is not None and accuracy.group(1) == wanted, wanted)
        bar.check("stages of latency on the page", len(re.findall(r"<tr><td>(?:encode|queue|channel|decode)</td>", dom)), len(re.findall(r"<tr><td>(?:encode|queue|channel|decode)</td>", dom)) == 4, "4")
        subprocess.run([*page, f"--screenshot={bar.work / 'phone.png'}", f"http://127.0.0.1:{status}/"], capture_output=True, timeout=120)
        bar.note(f"as a phone shows it: {bar.work / 'phone.png'}")
    finally:
        receiver.end()


measure("the status page", body)
