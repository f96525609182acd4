#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Uses the pages of a nestlabd as a person does: by clicks and keys in headless Chromium. Prints one JSON object with what it saw.

usage: pages.py URL TOKEN AXE FOLDER   (AXE: axe.min.js, or - to leave that out; FOLDER: for screenshots, and the file "go": boots may end)"""
import base64, json, os, pathlib, signal, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser

SECONDS = 1800  # a hang
WAIT = 300
url, token, axe, folder = sys.argv[1:5]
SHAPES = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]


class Person(Browser):
    def see(self, text):
        return self.evaluate(text)

    def until(self, text):
        """Until the expression is true."""
        end = time.monotonic() + WAIT
        while not self.see(text):
            if time.monotonic() > end:
                sys.exit(f"never came true: {text}; the page says: " + self.see("document.body.innerText"))
            time.sleep(0.05)

    def place(self, selector):
        return self.see("""(() => { const e = %s; if (!e) return null; e.scrollIntoView({block: "center"});
            const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()""" % selector)

    def press(self, x, y, to=None):
        mouse = lambda kind, px, py, **more: self.call("Input.dispatchMouseEvent", type=kind, x=px, y=py, **more)
        button = {"button": "left", "clickCount": 1}
        mouse("mouseMoved", x, y)
        mouse("mousePressed", x, y, **button)
        if to:
            for step in range(1, 6):
                mouse("mouseMoved", x + (to[0] - x) * step / 5, y + (to[1] - y) * step / 5, button="left", buttons=1)
            x, y = to
        mouse("mouseReleased", x, y, **button)

    def click(self, selector, loads=False):
        at = self.place(selector)
        if not at:
            sys.exit(f"not on the page: {selector}; it says: " + self.see("document.body.innerText"))
        self.events.clear()
        self.press(*at)
        if loads:
            self.wait("Page.loadEventFired")

    def link(self, text, loads=True):
        self.click("[...document.querySelectorAll('a,button')].find(e => e.textContent.includes(%s))" % json.dumps(text), loads)

    def type(self, field, text):
        self.click(f"document.getElementById('field-{field}')")
        self.see(f"document.getElementById('field-{field}').select()")
        self.call("Input.insertText", text=text)

    def shoot(self, name):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 3000), "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        pathlib.Path(folder, name + ".png").write_bytes(base64.b64decode(shot["data"]))


TEXT = "document.querySelector('main').innerText"
FACT = "[...document.querySelectorAll('dt')].find(e => e.textContent == '%s')?.nextElementSibling.textContent"


def log_in(p):
    p.go(url + "/submit")
    before = p.see("document.querySelectorAll('main form').length")
    p.link("Log in")
    p.type("token", "nlt_wrong")
    p.click("document.querySelector('main button')", True)
    refused = p.see(TEXT)
    p.complaints.clear()  # a 401 is one
    p.type("token", token)
    p.click("document.querySelector('main button')", True)
    return {"form_before_login": before, "refused": "none of ours" in refused,
            "who": p.see("document.querySelector('header form').innerText"), "cookie": p.see("document.cookie"),
            "path": p.see("location.pathname")}


def submit(p):
    p.link("Queue")
    p.link("Submit a job")
    p.type("kernels", "a b")
    p.type("boots", "2")
    p.click("document.querySelector('main button')", True)
    p.see("window.never_loaded_again = 1")
    seen = {"job": p.see("location.pathname"), "at_first": p.see(FACT % "state")}
    p.until("document.getElementById('live').textContent == 'This page follows the job.'")
    pathlib.Path(folder, "go").touch()  # the boots end
    p.until(f"({FACT % 'state'}) == 'done'")
    p.until("document.getElementById('log').textContent.includes('fake boot 2 of b')")
    seen["live"] = p.see("window.never_loaded_again")
    seen["log"] = p.see("document.getElementById('log').textContent")
    seen["boots"] = p.see("[...document.querySelectorAll('#state tbody tr')].map(r => r.cells[1].textContent).join()")
    p.shoot("job")
    p.link("Compare b with a")
    seen["comparison"] = p.see("document.title")
    seen["styled"] = p.see("getComputedStyle(document.body).maxWidth")
    p.shoot("comparison")
    return seen


def triage(p):
    p.go(url + "/")
    p.click("document.querySelector('a[href=\"/changes/1\"]')", True)
    p.see("document.getElementById('field-triage').focus()")
    for kind in ("keyDown", "keyUp"):  # the first letter picks it
        p.call("Input.dispatchKeyEvent", type=kind, key="a", text="a" if kind == "keyDown" else "")
    p.type("owner", "Ada <ada@example.org>")
    p.type("note", "Bisected, and sent a mail.")
    p.link("Save")
    return {name: p.see(FACT % name) for name in ("triage", "owner", "note")}


def read_draft(p):
    p.link("Lists")
    p.see("document.getElementById('field-what').focus()")
    for kind in ("keyDown", "keyUp"):  # the first letter picks it
        p.call("Input.dispatchKeyEvent", type=kind, key="d", text="d" if kind == "keyDown" else "")
    p.link("Show")
    rows = "document.querySelectorAll('tbody tr').length"
    seen = {"drafts": p.see(rows)}
    p.click("document.querySelector('td.id a')", True)
    seen["mail"] = "Verdict: regressed" in p.see("document.querySelector('pre').textContent")
    p.events.clear()
    p.see("history.back()")
    p.until("location.search.includes('what=drafts') && document.getElementById('field-what').value == 'drafts'")
    seen["back"] = p.see(rows)
    return seen


def pick_nights(p):
    p.go(url + "/trends")
    p.link("multiplex switch")
    seen = {"path": p.see("location.pathname"), "mark": p.see("document.querySelector('.marked').textContent")}
    seen["drawn"] = p.see("document.querySelectorAll('#nights circle').length")
    seen["zoomable"] = p.see("!!document.querySelector('#zoom canvas')")
    if not seen["zoomable"]:
        return seen
    labels = "[...document.querySelectorAll('.dygraph-axis-label-x')].map(e => e.textContent).join()"
    box = p.see("(() => { const e = document.getElementById('zoom'); e.scrollIntoView({block: 'center'}); "
                "const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
    at = lambda x, y: (box[0] + box[2] * x, box[1] + box[3] * y)
    p.call("Input.dispatchMouseEvent", type="mouseMoved", x=at(0.5, 0.5)[0], y=at(0.5, 0.5)[1])
    seen["hover"] = p.see("document.getElementById('said').textContent")
    before = p.see(labels)
    p.press(*at(0.3, 0.5), to=at(0.6, 0.5))
    p.until(f"{labels} != {json.dumps(before)}")
    seen["zoomed"] = [before, p.see(labels)]
    for x in (0.2, 0.8):
        p.call("Input.dispatchMouseEvent", type="mouseMoved", x=at(x, 0.5)[0], y=at(x, 0.5)[1])
        night = p.see("document.getElementById('said').textContent.match(/\\d+/)[0]")
        point = p.see("""(() => { const g = document.getElementById('zoom').graph, r = document.getElementById('n%s').dataset;
            const b = document.getElementById('zoom').getBoundingClientRect();
            return [b.x + g.toDomXCoord(Number(r.number)), b.y + g.toDomYCoord(Number(r.median))]; })()""" % night)
        p.press(*point)
        seen.setdefault("clicked", []).append(int(night))
    seen["picked"] = p.see("[...document.querySelectorAll('input:checked')].map(e => Number(e.closest('tr').dataset.number))")
    p.shoot("metric-zoomed")
    p.link("Compare the two nights")
    seen["comparison"] = p.see("document.title")
    return seen


LOOK = """(async () => {
	const outside = [...document.querySelectorAll("body *")].filter(e => !e.closest(".wide") &&
		e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80));
	const found = typeof axe == "object" ? (await axe.run(document)).violations : [];
	return {outside, wide: document.documentElement.scrollWidth > innerWidth,
		violations: found.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target).join(", "))};
})()"""


def audit(p, job, metric):
    """All pages in all shapes."""
    found, script = {}, pathlib.Path(axe).read_text() if axe != "-" else ""
    pages = {"tonight": "/", "trends": "/trends", "change": "/changes/1", "metric": metric, "queue": "/queue", "submit": "/submit",
             "job-done": job, "hosts": "/hosts", "signoffs": "/signoffs", "lists": "/lists", "series": "/lists/120", "login": "/login", "error": "/changes/99"}
    for name, path in pages.items():
        for width, scheme in SHAPES:
            p.show(url + path, width, scheme)
            if script:
                p.evaluate(script)
            seen = p.evaluate(LOOK)
            p.shoot(f"{name}-{width}-{scheme}")
            if seen["outside"] or seen["wide"] or seen["violations"]:
                found[f"{name} {width} {scheme}"] = seen
    return {"pages": len(pages) * len(SHAPES), "found": found}


def log_out(p):
    p.resize(1280, "light")
    p.go(url + "/changes/1")
    p.link("Log out")
    return {"path": p.see("location.pathname"), "who": p.see("document.querySelectorAll('header form').length")}


def main():
    signal.alarm(SECONDS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        p = Person(profile)
        try:
            p.open()
            p.resize(1280, "light")
            seen = {"login": log_in(p), "submit": submit(p), "triage": triage(p), "lists": read_draft(p), "metric": pick_nights(p)}
            seen["complaints"] = list(p.complaints)
            seen["audit"] = audit(p, seen["submit"]["job"], seen["metric"]["path"])
            seen["logout"] = log_out(p)
            print(json.dumps(seen))
        finally:
            p.close()


main()
