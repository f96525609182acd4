#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Shows a page in headless Chromium at several widths and in both colour schemes, and asks it what a script
answers. Chromium is driven through --remote-debugging-pipe, so that the width is exact (a window is never
narrower than 500 pixels) and nothing is added to the page's own elements.

usage: browser.py SCRIPT... -- PAGE:WIDTH:SCHEME...

The files SCRIPT are run in each page; the value of the last one (a promise is awaited) is printed as JSON, one
line for each PAGE:WIDTH:SCHEME ("report.html:360:dark")."""
import json, os, pathlib, signal, subprocess, sys, tempfile

SECONDS = 900  # a hang, on a busy machine


class Browser:
    def __init__(self, profile):
        ours, theirs = os.pipe(), os.pipe()  # answers, commands

        def descriptors():  # it reads commands from 3 and writes answers to 4
            commands, answers = os.dup2(theirs[0], 20), os.dup2(ours[1], 21)
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-pipe", "--user-data-dir=" + profile],
            preexec_fn=descriptors, close_fds=False, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[1])
        os.close(theirs[0])
        self.answers, self.commands = os.fdopen(ours[0], "rb"), os.fdopen(theirs[1], "wb")
        self.id, self.session, self.events = 0, None, []
        self.complaints = []  # of pages: what the console says, exceptions, what the page's policy refused

    def receive(self):
        message = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            if not byte:
                sys.exit("chromium has gone")
            message += byte
        return json.loads(message)

    def note(self, message):
        method, params = message.get("method"), message.get("params", {})
        self.events.append(method)
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:400])

    def open(self):
        """A page of its own, whose complaints are kept."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(domain + ".enable")

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method, **params):
        self.id += 1
        command = {"id": self.id, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        self.commands.write(json.dumps(command).encode() + b"\0")
        self.commands.flush()
        while True:
            message = self.receive()
            if message.get("id") == self.id:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.note(message)

    def wait(self, event):
        while event not in self.events:
            self.note(self.receive())

    def evaluate(self, text):
        result = self.call("Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"the script failed: {result['exceptionDetails']}")
        return result["result"].get("value")

    def resize(self, width, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def go(self, page):
        self.events.clear()
        self.call("Page.navigate", url=page)
        self.wait("Page.loadEventFired")

    def show(self, page, width, scheme):
        self.resize(width, scheme)
        self.go(page)


def main():
    at = sys.argv.index("--")
    scripts = [pathlib.Path(name).read_text() for name in sys.argv[1:at]]
    signal.alarm(SECONDS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.open()
            for shape in sys.argv[at + 1:]:
                page, width, scheme = shape.rsplit(":", 2)
                browser.show(pathlib.Path(page).resolve().as_uri(), int(width), scheme)
                for script in scripts[:-1]:
                    browser.evaluate(script)
                print(json.dumps(browser.evaluate(scripts[-1])), flush=True)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
