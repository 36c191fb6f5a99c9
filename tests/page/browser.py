"""Headless Chromium over its pipe: no driver and no package is needed."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def find():
    """The browser's program, or None."""
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


class Browser:
    """A browser with one page at a time."""

    def __init__(self, program):
        self.dir = tempfile.TemporaryDirectory(prefix="slim-page-")
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # The browser reads its file descriptor 3 and writes 4; a shell puts ours there.
        low = (theirs_in, theirs_out)
        theirs_in, theirs_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in low)
        for fd in low:
            os.close(fd)
        flags = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                 "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.dir.name}"]
        shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out} {theirs_in}<&- {theirs_out}>&-'
        self.process = subprocess.Popen(["bash", "-c", shell, program, *flags, "about:blank"], pass_fds=(theirs_in, theirs_out),
                                        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.out, self.inp, self.rest, self.id = ours_out, ours_in, b"", 0
        self.session, self.target, self.events = None, None, []

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.dir.cleanup()

    def _read(self, until):
        while b"\0" not in self.rest:
            if not select.select([self.inp], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.inp, 1 << 20)
            if not more:
                raise EOFError("the browser is gone")
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def send(self, method, session=True, **params):
        """Sends a command and returns its result; what happens meanwhile is kept in `events`."""
        self.id += 1
        message = {"id": self.id, "method": method, "params": params}
        if session and self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 60
        while True:
            got = self._read(until)
            if got.get("id") == self.id:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                return got["result"]
            if "method" in got:
                self.events.append(got)

    def open(self, path, width=1280, height=900, dark=False, phone=False):
        """Opens a file in a new page and waits until it says that it is ready."""
        if self.target:
            self.send("Target.closeTarget", session=False, targetId=self.target)
        self.session, self.events = None, []
        self.target = self.send("Target.createTarget", session=False, url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", session=False, targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.media(dark=dark)
        self.send("Page.navigate", url="file://" + os.path.abspath(path))
        until = time.monotonic() + 30
        while self.run("document.documentElement?.dataset.ready || ''") != "true":
            if time.monotonic() > until:
                raise TimeoutError(f"{path} is never ready: {self.troubles()}")
            time.sleep(0.02)

    def media(self, dark=False, kind=""):
        """Light or dark, screen or print."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", media=kind, features=features)

    def run(self, code):
        """The value of an expression in the page."""
        got = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{code}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def settle(self):
        """Waits for timers and two frames."""
        self.run("new Promise(r => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => r(1))), 120))")

    def key(self, key, text=None):
        """Presses a key."""
        codes = {"Enter": 13, "Escape": 27, "Backspace": 8, "Tab": 9, "ArrowDown": 40, "ArrowRight": 39, "ArrowUp": 38, "ArrowLeft": 37, "End": 35, "Home": 36, "PageDown": 34, " ": 32}
        for kind in ("keyDown", "keyUp"):
            params = {"type": kind, "key": key, "windowsVirtualKeyCode": codes.get(key, 0)}
            if kind == "keyDown" and key in ("Enter", " "):
                params["text"] = "\r" if key == "Enter" else " "
            self.send("Input.dispatchKeyEvent", **params)
        self.settle()

    def type(self, text):
        """Types into what has the focus."""
        self.send("Input.insertText", text=text)
        self.settle()

    def click(self, x, y):
        """Clicks a point of the window."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def troubles(self):
        """Errors and warnings of the page, and requests for anything but the page."""
        out = []
        for event in self.events:
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                out.append(details.get("exception", {}).get("description", details["text"]))
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                out.append(params["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                out.append(f"console: {params['args']}")
            elif method == "Network.requestWillBeSent" and params.get("type") != "Document":
                out.append(f"a request for {params['request']['url'][:200]}")
        return out

    def shot(self, path, whole=True):
        """Saves a picture."""
        params = {"format": "png"}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            params |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 9000), "scale": 1}}
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.send("Page.captureScreenshot", **params)["data"]))
