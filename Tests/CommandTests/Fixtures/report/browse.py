"""Drives headless Chromium by the DevTools protocol, with Python's standard library alone.

Reads a JSON list of commands from standard input and writes one JSON object: `results`, one for each
command, and `requests`, `problems` and `pages`, what the pages asked for, what the console, the log and
the security policy complained of, and how many were opened.

    {"open": ADDRESS}            a new document; waits until it is loaded
    {"evaluate": EXPRESSION}     its value; promises are awaited
    {"key": "ArrowRight"}        presses a key
    {"click": SELECTOR}          clicks the middle of the first element that is shown, scrolled into view
    {"hover": [SELECTOR, x, y]}  moves the mouse to a place in an element, in shares of its size
    {"drag": [SELECTOR, SHARE]}  presses the mouse at a share of an element's width, as on a slider
    {"print": FILE}              the page as a PDF of A4 pages, by the browser's print
    {"size": [width, height]}    of the window, in CSS pixels
    {"dark": true}               the system's colour scheme
    {"script": false}            whether JavaScript runs, from the next document on
    {"screenshot": FILE}         of the whole page
    {"downloads": FOLDER}        where downloads go
    {"downloaded": SUFFIX}       waits for one more file with that suffix in the folder of downloads
    {"wait": seconds}            by the page's own clock: timers that were set before have run
    {"until": EXPRESSION}        waits until its value is true
"""

import base64
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35,
        "Escape": 27, "Tab": 9, "Enter": 13, " ": 32, "m": 77,
        **{digit: ord(digit) for digit in "123456789"}}


class Browser:
    def __init__(self, profile):
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        def connect():
            # Chromium reads commands from descriptor 3 and answers on 4.
            high = [os.dup(to_read), os.dup(to_write)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        arguments = [shutil.which("chromium"), "--headless=new", "--remote-debugging-pipe",
                     "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
                     "--disable-background-networking", "--disable-component-update",
                     "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        self.process = subprocess.Popen(
            arguments, preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest = b""
        self.count = 0
        self.session = None
        self.loaded = False
        self.folder = None
        self.saved = set()
        self.requests = []
        self.problems = []

    def message(self):
        while b"\0" not in self.rest:
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise SystemExit("chromium ended")
            self.rest += piece
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def note(self, event):
        method, about = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"][:200])
        elif method == "Runtime.exceptionThrown":
            self.problems.append("exception: " + json.dumps(about["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled":
            self.problems.append("console: " + json.dumps(about["args"])[:300])
        elif method == "Log.entryAdded":
            self.problems.append("log: " + about["entry"]["text"][:300])
        elif method == "Page.javascriptDialogOpening":
            self.problems.append("dialog: " + about["message"][:300])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def call(self, method, **parameters):
        self.count += 1
        request = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_end, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable")

    def open(self, address):
        # From a blank page even an address that differs in its fragment alone is loaded anew.
        for place in ["about:blank", address]:
            self.loaded = False
            self.call("Page.navigate", url=place)
            while not self.loaded:
                self.note(self.message())

    def evaluate(self, expression):
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression}: {json.dumps(result['exceptionDetails'])[:600]}")
        return result["result"].get("value")

    def press(self, key):
        for kind in ["keyDown", "keyUp"]:
            text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=KEYS[key], **text)

    def place(self, selector, x, y):
        place = self.evaluate("""(() => {
          const shown = [...document.querySelectorAll(%s)].filter((e) => e.checkVisibility());
          if (!shown.length) return null;
          shown[0].scrollIntoView({ block: "center" });
          const box = shown[0].getBoundingClientRect();
          const place = [box.left + box.width * %f, box.top + box.height * %f];
          const hit = document.elementFromPoint(...place);
          return shown[0].contains(hit) || hit?.contains(shown[0]) ? place : "hidden";
        })()""" % (json.dumps(selector), x, y))
        if not isinstance(place, list):
            raise SystemExit(f"{selector}: " + ("something lies over it" if place else "not shown"))
        return place

    def press_mouse(self, selector, share):
        x, y = self.place(selector, share, 0.5)
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y,
                      button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def print(self, path):
        data = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                         printBackground=False, preferCSSPageSize=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def wait_for(self, what, is_there):
        # A loaded machine may need many seconds.
        for _ in range(1200):
            if is_there():
                return
            time.sleep(0.05)
        raise SystemExit(f"{what}: not within a minute")

    def wait_for_download(self, suffix):
        def is_there():
            found = {path for path in glob.glob(f"{self.folder}/*{suffix}")
                     if os.path.getsize(path) > 0} - self.saved
            self.saved |= found
            return found
        self.wait_for(f"a download {suffix}", is_there)

    def do(self, name, value):
        if name == "open":
            self.open(value)
        elif name == "evaluate":
            return self.evaluate(value)
        elif name == "key":
            self.press(value)
        elif name == "hover":
            x, y = self.place(*value)
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        elif name == "click":
            self.press_mouse(value, 0.5)
        elif name == "drag":
            self.press_mouse(*value)
        elif name == "print":
            self.print(value)
        elif name == "size":
            self.call("Emulation.setDeviceMetricsOverride", width=value[0], height=value[1],
                      deviceScaleFactor=1, mobile=False)
        elif name == "dark":
            self.call("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "dark" if value else "light"}])
        elif name == "script":
            self.call("Emulation.setScriptExecutionDisabled", value=not value)
        elif name == "screenshot":
            self.screenshot(value)
        elif name == "downloads":
            self.folder, self.saved = value, set(glob.glob(f"{value}/*"))
            self.call("Page.setDownloadBehavior", behavior="allow", downloadPath=value)
        elif name == "downloaded":
            self.wait_for_download(value)
        elif name == "wait":
            self.evaluate(f"new Promise((done) => setTimeout(done, {1000 * value}))")
        elif name == "until":
            self.wait_for(value, lambda: self.evaluate(value))
        else:
            raise SystemExit(f"no command '{name}'")
        return None

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)


def main():
    # A browser that never answers shall not hold up the tests.
    signal.alarm(180)
    commands = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.attach()
            results = [browser.do(*next(iter(command.items()))) for command in commands]
            requests = [r for r in browser.requests if r != "about:blank"]
            pages = sum("open" in command for command in commands)
            browser.close()
        finally:
            browser.process.kill()
    json.dump({"results": results, "requests": requests, "problems": browser.problems,
               "pages": pages}, sys.stdout)


main()
