#!/usr/bin/env python3
"""The status page in headless Chromium: it shows what was received, needs no other host, and fits a phone."""
import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from claim import NotMeasured, measure
from nodes import Node, free_port, listening

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


class Browser:
    """Headless Chromium by the WebDriver protocol of chromedriver; it resolves no name and reaches no host but this one."""

    def __init__(self, claim):
        chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
        driver = shutil.which("chromedriver")
        if chromium is None or driver is None:
            raise NotMeasured("no Chromium or no chromedriver: apt-get install chromium chromium-driver")
        port = free_port()
        self.process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.at = f"http://127.0.0.1:{port}"
        options = {"binary": chromium, "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]}
        for _ in range(100):
            try:
                self.at += "/session/" + self.call("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}, "/session")["sessionId"]
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise NotMeasured("chromedriver does not answer")

    def call(self, path, body, root="", method="POST"):
        request = urllib.request.Request(self.at + root + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
        return json.loads(urllib.request.urlopen(request, timeout=120).read())["value"]

    def evaluate(self, script):
        return self.call("/execute/sync", {"script": f"return {script};", "args": []})

    def devtools(self, command, parameters):
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def end(self):
        self.call("", {}, method="DELETE")  # or Chromium stays
        self.process.terminate()
        self.process.wait()


def body(claim):
    chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        raise NotMeasured("no Chromium: apt-get install chromium")
    settings = {"/source/count": 500, "/output/records": False}
    port, status = free_port(), free_port()
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--status", f"127.0.0.1:{status}"], claim.work / "receiver.log", settings=settings)
    try:
        listening(receiver, port)
        if Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}"], claim.work / "transmitter.log", settings=settings).wait() != 0:
            raise NotMeasured("the transmitter failed")
        shown = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{status}/status.json").read())
        claim.check("images in status.json", shown["images"], shown["images"] == 500, "500")
        browser = Browser(claim)
        try:
            browser.devtools("Emulation.setDeviceMetricsOverride", PHONE)
            browser.call("/url", {"url": f"http://127.0.0.1:{status}/"})
            wanted = f"{100 * shown['accuracy']:.2f}".rstrip("0").rstrip(".") + " %"
            until = time.monotonic() + 10
            while (accuracy := browser.evaluate("document.getElementById('accuracy').textContent")) != wanted and time.monotonic() < until:
                time.sleep(0.2)
            claim.check("accuracy on the page", accuracy, accuracy == wanted, wanted)
            stages = browser.evaluate("[...document.querySelectorAll('td')].map(cell => cell.textContent).filter(text => ['encode', 'queue', 'channel', 'decode'].includes(text))")
            claim.check("stages of latency on the page", ", ".join(stages), sorted(stages) == ["channel", "decode", "encode", "queue"], "encode, queue, channel, decode")
            width = browser.evaluate("document.documentElement.scrollWidth")
            claim.check("width on a phone", f"{width} pixels", width <= PHONE["width"], f"at most {PHONE['width']}")
            hosts = browser.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)")
            claim.check("hosts the page asks", ", ".join(sorted(set(hosts))), set(hosts) == {f"127.0.0.1:{status}"}, "its own")
            picture = claim.work / "phone.png"
            picture.write_bytes(base64.b64decode(browser.devtools("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})["data"]))
            claim.note(f"as a phone shows it: {picture}")
        finally:
            browser.end()
    finally:
        receiver.end()


measure("the status page", body)
