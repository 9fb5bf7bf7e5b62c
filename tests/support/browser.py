"""browser.py - a headless Chromium driven over its debugging pipe (the Chrome DevTools Protocol), for tests of pages."""
import json, os, subprocess


class Browser:
    def __init__(self, program, profile):
        down, up = os.pipe(), os.pipe()  # to the browser, and from it: its descriptors 3 and 4
        ends = [os.dup2(f, 60 + i, inheritable=True) for i, f in enumerate((down[0], up[1]))]
        self.to, self.back = down[1], up[0]
        command = 'exec 3<&60 4>&61 60<&- 61>&-; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", command, "browser", program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                                         f"--user-data-dir={profile}", "about:blank"], pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for f in (*ends, down[0], up[1]):
            os.close(f)
        self.count, self.rest, self.events, self.session = 0, b"", [], None
        pages = [t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self.session = self.send("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 20)
            if not more:
                raise EOFError("the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.read()
            if got.get("id") == self.count:
                if "error" in got:
                    raise RuntimeError((method, got["error"]))
                return got["result"]
            self.events.append(got)

    def loaded(self):
        """Waits for the page that is on its way."""
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self.read())
        self.events = [e for e in self.events if e["method"] != "Page.loadEventFired"]

    def go(self, url):
        self.send("Page.navigate", url=url)
        self.loaded()

    def js(self, text):
        result = self.send("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def click(self, selector):
        """Clicks what leads to another page."""
        self.js(f"document.querySelector({json.dumps(selector)}).click()")
        self.loaded()

    def size(self, width):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def scripts(self, run):
        self.send("Emulation.setScriptExecutionDisabled", value=not run)

    def complaints(self):
        """What the page was stopped from, and its own errors."""
        return [e["params"] for e in self.events if e["method"] in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening") or
                e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in ("warning", "error")]

    def close(self):
        self.process.kill()
        self.process.wait()
