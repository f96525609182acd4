#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A BMC that speaks Redfish, for the tests: it switches a real machine that boots what is in its drive.

    bmc.py serve DIR [--profile NAME] [--tls] [--machine bochs|qemu|fake] [--rate BYTES] [--set KEY=JSON]...
            [--http-boot PROGRAM] [--qemu ARG...]
        serves until it is killed; DIR gets: url, console (its port), cert.pem, requests.log, state.json
    bmc.py tree DIR FILE
        serves a recorded service, path to body, read-only: does a client find its way?
    bmc.py console DIR
        the serial line: stdin and stdout
    bmc.py control URL JSON
        between tests: {"reset": true} forgets all, {"events": [{"ago": SECONDS, KEY: VALUE}]} adds to its event log, {"fault": [N, KIND]} spoils the Nth request from now on,
        {"set": {KEY: VALUE}}; prints the state

It does what DSP0266 and DSP0268 say, and what makes do otherwise: PROFILES below. Kinds of faults: timeout,
reset, 500, 503, garbage, truncated, late (it is done, and no answer comes), stop (the file DIR/stopped is there
while it waits for whoever asked to be gone)."""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import zlib

import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
USER, PASSWORD = "nestlab", "s3cret-Pa55word"

# What a make does its own way; sources are those of docs/hosts.md.
PLAIN = {
    "maker": "ACME", "model": "Plain 1", "bmc_model": "BMC", "bmc_firmware": "1.0",
    "system": "/redfish/v1/Systems/1", "manager": "/redfish/v1/Managers/1",
    "media_at": "manager",       # whose VirtualMedia it is: manager, system, both
    "slots": [["1", ["CD", "DVD"]]],
    "useless_slots": [],         # are listed first and refuse (Lenovo RDOC, Cisco)
    "insert": "action",          # or patch
    "needs": [],                 # properties without which InsertMedia is 400
    "refuses": [],               # properties with which it is 400
    "eject_only_when_in": False, # the action is not shown otherwise
    "keeps_image": False,        # after an eject, with ConnectedVia NotConnected
    "eject_body": False,         # no body: 415
    "eject_lag": 0, "insert_lag": 0, "power_lag": 0, # seconds until it shows
    "insert_lies": 0,            # so many inserts are said to be done and are not
    "insert_busy": 0,            # so many are 500
    "etag": "strong",            # none, weak-shown (412 unless strong), demanded (428 without), never
    "mode": True,                # BootSourceOverrideMode is shown; "refused": 400 with it
    "targets": ["None", "Pxe", "Cd", "Hdd", "UefiHttp"],
    "boot_at": "system",         # or settings
    "other_settings": False,     # a settings object whose Boot has the order alone
    "disable": "plain",          # target: wants Target None besides; never: it cannot be disabled
    "patch_lies": 0,             # so many PATCHes of Boot are 400, and done
    "resets": ["On", "ForceOff", "ForceRestart", "GracefulShutdown"],
    "resets_at": "action",       # or info: an ActionInfo
    "on_busy": 0,                # so many On are 409
    "on_ignored": 0,             # so many are taken and nothing happens
    "session_limit": 1800, "sessions": True, "session_table": 16,
    "more_systems": [],          # that cannot be switched
    "tasks": False,              # 202 with a task
    "task_fails": False,
    "busy": 0,                   # so many requests are 503 with Retry-After
    "error": "standard",         # object: ExtendedInfo is one; html
    "asset_tag": "",             # None: not shown; it is a site's own where it says something
    "tag": "written",            # or refused, forgotten (200, and not done)
    "tag_max": 32,               # characters that are kept
    "clock": -3600,              # seconds that the BMC's is behind
    "log_at": "manager",         # whose LogServices the event log is in: manager, system
    "log": ["Sel", "SEL"],       # its Id and LogEntryType (None: not said)
    "log_links": False,          # entries are listed by links alone
    "http_boot": True,
    "boots_disk": False,         # whatever it is told; "off": it goes off instead
}
PROFILES = {
    "plain": {},
    "dell": {"maker": "Dell Inc.", "model": "PowerEdge R750", "system": "/redfish/v1/Systems/System.Embedded.1",
             "manager": "/redfish/v1/Managers/iDRAC.Embedded.1", "media_at": "both", "etag": "none",
             "refuses": ["Inserted", "WriteProtected"], "slots": [["1", ["CD", "DVD", "USBStick"]], ["2", ["CD", "DVD"]]],
             "other_settings": True, "eject_lag": 0.3, "insert_busy": 1, "on_busy": 2, "insert_lies": 1,
             "resets": ["On", "ForceOff", "GracefulShutdown", "PowerCycle"]},
    "hpe": {"log_at": "system", "log": ["IML", "Oem"], "maker": "HPE", "model": "ProLiant DL385 Gen10", "slots": [["1", ["Floppy", "USBStick"]], ["2", ["CD", "DVD"]]],
            "etag": "weak-shown", "mode": "refused", "eject_body": True, "disable": "target", "session_limit": 30,
            "refuses": ["WriteProtected"], "error": "object", "power_lag": 0.3},
    "lenovo": {"asset_tag": "site 4711", "log_at": "system", "log": ["PlatformLog", "Event"], "log_links": True, "maker": "Lenovo", "model": "ThinkSystem SD530", "media_at": "both", "insert": "patch", "etag": "demanded",
               "useless_slots": ["RDOC1", "RDOC2"], "slots": [["EXT1", ["CD", "DVD"]]], "other_settings": True,
               "resets_at": "info", "session_limit": 300},
    "supermicro": {"tag": "refused", "log": ["Log1", None], "maker": "Supermicro", "model": "SYS-821GE", "eject_only_when_in": True, "keeps_image": True,
                   "targets": ["None", "Pxe", "Cd", "UsbCd", "UefiHttp"], "refuses": ["Inserted", "WriteProtected"],
                   "resets_at": "info", "patch_lies": 1},
    "ami": {"maker": "NVIDIA", "model": "DGX", "system": "/redfish/v1/Systems/DGX", "slots": [], "boot_at": "settings",
            "more_systems": ["/redfish/v1/Systems/HGX_Baseboard_0"], "etag": "demanded", "session_limit": 30,
            "resets_at": "info", "resets": ["On", "ForceOff"]},
    "openbmc": {"asset_tag": None, "log_at": "system", "log": ["EventLog", "Event"], "maker": "ACME", "model": "GH200", "needs": ["TransferMethod", "TransferProtocolType"], "mode": False,
                "slots": [["USB1", ["CD"]]], "etag": "never", "tasks": True, "more_systems": ["/redfish/v1/Systems/HGX_Baseboard_0"]},
    "sushy": {"asset_tag": None, "maker": "OpenStack", "model": "sushy-tools", "sessions": False, "disable": "never", "etag": "none",
              "resets": ["On", "ForceOff", "ForceOn"]},
}


def record(seq, body):
    line = '{"seq":%d,%s' % (seq, body)
    return line + ',"crc":"%08x"}' % zlib.crc32(line.encode())


def frames(key, texts):
    offset, out = 0, b""
    for i, text in enumerate(texts):
        head = b"\x1ef%08x%s" % (offset, b"!" if i == len(texts) - 1 else b".") + text.encode()
        out += head + hmac.new(key, head, hashlib.sha256).hexdigest()[:32].encode() + b"\n"
        offset += len(text) + 1
    return out


class FakeMachine:
    """Fetches the image, and says what an agent would: for sequences of which none needs a kernel."""

    def __init__(self, directory, _rate):
        self.running = False
        self.readers = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            self.readers.append(self.server.accept()[0])

    def say(self, data):
        for r in list(self.readers):
            try:
                r.sendall(data)
            except OSError:
                self.readers.remove(r)

    def is_on(self):
        return self.running

    def on(self, image, disk):
        self.running = True
        threading.Thread(target=self.boot, args=(image, disk), daemon=True).start()

    def boot(self, image, disk):
        self.say(b"ACME BIOS 1.0\r\n")
        time.sleep(0.3) # a machine that is on for less than that is not believed to have been
        if disk == "off":
            self.running = False
            return
        if disk or not image:
            self.say(b"Debian GNU/Linux 12 disk ttyS0\r\nlogin: ")
            return
        data = open(image, "rb").read()
        ticket = re.search(rb"nestlab-ticket 1\nnonce=([0-9a-f]{32})\nkey=([0-9a-f]{64})\n", data)
        nonce, key = (g.decode() for g in ticket.groups()) if ticket else ("", "00")
        hello = record(0, '"type":"hello","nonce":"%s"' % nonce)
        bye = record(1, '"type":"bye","records":2')
        if self.running:
            self.say(b"[    0.0] Linux version 6\r\n" + frames(bytes.fromhex(key), [hello, bye]))
        self.running = False

    def off(self):
        self.running = False


class RealMachine:
    """machine.py, which holds a Bochs or a QEMU."""

    def __init__(self, directory, rate, qemu):
        self.dir = os.path.join(directory, "machine")
        os.makedirs(self.dir, exist_ok=True)
        self.port = free_port.find()
        args = [sys.executable, os.path.join(HERE, "machine.py"), "run", self.dir, "--console", str(self.port), "--rate", str(rate)]
        if qemu:
            args += ["--qemu"] + qemu
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def ask(self, *words):
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.path.join(self.dir, "control"))
        s.sendall("\0".join(words).encode())
        s.shutdown(socket.SHUT_WR)
        return s.makefile().read()

    def is_on(self):
        return "power:1" in self.ask("get", "power")

    def on(self, image, disk):
        media = os.path.join(self.dir, "media.iso")
        if os.path.exists(media):
            os.unlink(media)
        if image:
            os.link(image, media)
        self.ask("set", "boot", "cdrom" if image and not disk else "default")
        self.ask("set", "power", "1")

    def off(self):
        self.ask("set", "power", "0")


class Bmc:
    def __init__(self, args):
        self.dir = os.path.abspath(args.dir)
        self.profile = args.profile
        self.args = args
        self.lock = threading.RLock()
        if args.machine == "fake":
            self.machine = FakeMachine(self.dir, args.rate)
        else:
            self.machine = RealMachine(self.dir, args.rate, args.qemu if args.machine == "qemu" else None)
        self.reset({})

    def reset(self, more):
        self.p = dict(PLAIN, **PROFILES[self.profile], **more)
        for setting in self.args.set:
            key, value = setting.split("=", 1)
            self.p[key] = json.loads(value)
        if self.machine.is_on():
            self.machine.off()
        self.media = {s: {"image": None, "in": False, "path": None, "at": 0} for s, _ in self.p["slots"]}
        self.boot = {"Enabled": "Disabled", "Target": "None", "Mode": "UEFI", "Uri": None}
        self.sessions, self.tasks, self.fault = {}, {}, None
        self.number, self.wanted, self.power_at = 0, None, 0
        self.busy = self.p["busy"]
        self.switched, self.events = [], []
        self.tag = self.p["asset_tag"]

    def state(self):
        return {"power": "On" if self.machine.is_on() else "Off", "media": {k: v["image"] if v["in"] else None for k, v in self.media.items()},
                "boot": self.boot, "sessions": sorted(self.sessions), "requests": self.number, "switched": self.switched,
                "tag": self.tag}

    def now(self, ago=0):
        return time.strftime("%Y-%m-%dT%H:%M:%S+02:00", time.gmtime(time.time() + self.p["clock"] - ago + 7200))

    # ---- the machine

    def fetch(self, url, name):
        path = os.path.join(self.dir, name)
        if os.path.exists(path):
            os.unlink(path)
        head = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(head, timeout=10) as r:
            size = int(r.headers["Content-Length"])
        with open(path, "wb") as f: # in pieces, as BMCs read
            for at in range(0, size, 1 << 20):
                q = urllib.request.Request(url, headers={"Range": f"bytes={at}-{min(at + (1 << 20), size) - 1}"})
                with urllib.request.urlopen(q, timeout=30) as r:
                    f.write(r.read())
        return path

    def power_on(self):
        image, target = None, self.boot["Target"]
        if self.boot["Enabled"] != "Disabled":
            if target == "UefiHttp" and self.args.http_boot:
                subprocess.run([self.args.http_boot, self.boot["Uri"]], check=True) # the firmware fetches it itself
            elif target == "UefiHttp" and self.boot["Uri"] and not self.p["boots_disk"]:
                image = self.fetch(self.boot["Uri"], "http.iso")
            elif target in ("Cd", "UsbCd"):
                wrong = target == "Cd" and "UsbCd" in self.p["targets"] # the SATA drive
                image = None if wrong else next((m["path"] for m in self.media.values() if m["in"]), None)
        if self.boot["Enabled"] == "Once":
            self.boot.update(Enabled="Disabled", Target="None")
        self.machine.on(image, self.p["boots_disk"])

    def take(self, key):
        if self.p[key] > 0:
            self.p[key] -= 1
            return True
        return False


class Refusal(Exception):
    def __init__(self, status, text="", ident="Base.1.0.GeneralError", headers=None):
        super().__init__(text)
        self.status, self.text, self.ident, self.headers = status, text, ident, headers or {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    # ---- answers

    def answer(self, status, body=None, headers=None):
        data = b"" if body is None else json.dumps(body).encode()
        if self.spoil == "truncated":
            data = data[:len(data) // 2] if data else b"{\"half"
        if self.spoil == "garbage":
            data = b"\x00\xff<html>proxy</html>{"
        self.send_response(status)
        for k, v in (headers or {}).items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.close_connection = True

    def refuse(self, r):
        kind = self.bmc.p["error"]
        message = {"@odata.type": "#Message.v1_0_0.Message", "MessageId": r.ident, "Message": r.text}
        info = message if kind == "object" else [message]
        self.answer(r.status, {"error": {"code": r.ident, "message": "see ExtendedInfo", "@Message.ExtendedInfo": info}}, r.headers)

    def drop(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close_connection = True
        self.wfile.flush = lambda: None
        self.connection.close()

    def handle_all(self):
        b, length = self.bmc, int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        self.spoil = None
        self.has_body = bool(length)
        if self.path == "/control":
            return self.answer(200, self.control(json.loads(raw)))
        with b.lock:
            b.number += 1
            number, fault = b.number, b.fault
            with open(os.path.join(b.dir, "requests.log"), "a") as f:
                f.write(f"{number} {self.command} {self.path} {self.headers.get('If-Match', '-')} {self.headers.get('Connection')}\n")
        kind = fault[1] if fault and fault[0] == number else None
        if kind == "stop": # until whoever asked has been killed
            stopped = os.path.join(b.dir, "stopped")
            open(stopped, "w").close()
            self.wait_closed()
            os.unlink(stopped)
            return self.drop()
        if kind in ("timeout", "reset", "500", "503"):
            if kind == "timeout":
                time.sleep(b.args.hang)
            if kind in ("timeout", "reset"):
                return self.drop()
            return self.refuse(Refusal(int(kind), "injected", headers={"Retry-After": "1"} if kind == "503" else {}))
        self.spoil = kind
        with b.lock:
            try:
                self.body = json.loads(raw) if raw else {}
                status, body, headers = self.route()
            except Refusal as r:
                return self.refuse(r)
        if kind == "late":
            return self.drop()
        return self.answer(status, body, headers)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = handle_all

    def wait_closed(self):
        self.connection.settimeout(60)
        try:
            while self.connection.recv(1):
                pass
        except OSError:
            pass

    def control(self, what):
        b = self.bmc
        with b.lock:
            if what.get("reset"):
                b.reset(what.get("set", {}))
            elif "set" in what:
                b.p.update(what["set"])
            if "fault" in what:
                b.fault = [b.number + what["fault"][0], what["fault"][1]]
            if "tag" in what:
                b.tag = what["tag"]
            for event in what.get("events", []): # {"ago": SECONDS, Severity, Message, ..., "link": leads elsewhere}
                b.events.append(dict({"Created": b.now(event.pop("ago"))}, **event))
            if what.get("expire"):
                b.sessions.clear()
            return b.state()

    # ---- who is there

    def check_user(self):
        b, auth = self.bmc, self.headers.get("Authorization", "")
        token = self.headers.get("X-Auth-Token")
        if token:
            s = next((s for s in b.sessions.values() if s["token"] == token), None)
            if not s or time.monotonic() - s["used"] > b.p["session_limit"]:
                raise Refusal(401, "no such session", "Base.1.0.NoValidSession")
            s["used"] = time.monotonic()
            return
        if auth != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            raise Refusal(401, "who are you?", "Base.1.0.NoValidSession")

    def new_session(self):
        b = self.bmc
        if not b.p["sessions"]:
            raise Refusal(401, "authenticate first")
        if self.body.get("UserName") != USER or self.body.get("Password") != PASSWORD:
            raise Refusal(401, "wrong user or password")
        if len(b.sessions) >= b.p["session_table"]:
            raise Refusal(503, "no more sessions", "IDRAC.2.8.RAC0218")
        ident = f"s{b.number}"
        b.sessions[ident] = {"token": os.urandom(8).hex(), "used": time.monotonic()}
        path = "/redfish/v1/SessionService/Sessions/" + ident
        return 201, {"@odata.id": path}, {"X-Auth-Token": b.sessions[ident]["token"], "Location": path}

    # ---- resources

    def route(self):
        b, p, path = self.bmc, self.bmc.p, self.path.rstrip("/")
        if path == "/redfish/v1" and self.command == "GET":
            return 200, self.root(), {}
        if path == "/redfish/v1/SessionService/Sessions" and self.command == "POST":
            return self.new_session()
        self.check_user()
        if b.busy:
            b.busy -= 1
            raise Refusal(503, "in POST", "IDRAC.2.8.SYS518", {"Retry-After": "1"})
        if self.command == "DELETE" and path.startswith("/redfish/v1/SessionService/Sessions/"):
            if not b.sessions.pop(path.rsplit("/", 1)[1], None):
                raise Refusal(404, "no such session")
            return 204, None, {}
        if self.command == "POST":
            return self.action(path)
        resource = self.resources().get(path)
        if resource is None:
            raise Refusal(404, "no such resource")
        etag = '"%s"' % hashlib.sha256(json.dumps(resource, sort_keys=True).encode()).hexdigest()[:8]
        shown = None if p["etag"] == "none" else "W/" + etag if p["etag"] == "weak-shown" else etag
        if self.command == "PATCH":
            return self.patch(path, etag)
        if shown:
            resource["@odata.etag"] = shown
        allow = "GET, HEAD, PATCH" if self.writable(path) else "GET, HEAD"
        return 200, resource, dict({"Allow": allow}, **({"ETag": shown} if shown else {}))

    def writable(self, path):
        p = self.bmc.p
        return path in (p["system"], p["system"] + "/Settings") or (p["insert"] == "patch" and "/VirtualMedia/" in path)

    @staticmethod
    def links(paths):
        return {"Members": [{"@odata.id": x} for x in paths], "Members@odata.count": len(paths)}

    def root(self):
        root = {"@odata.id": "/redfish/v1/", "RedfishVersion": "1.11.0", "Systems": {"@odata.id": "/redfish/v1/Systems"},
                "Managers": {"@odata.id": "/redfish/v1/Managers"}}
        if self.bmc.p["sessions"]:
            root["Links"] = {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}}
        return root

    def boot_object(self):
        p, boot = self.bmc.p, self.bmc.boot
        out = {"BootSourceOverrideEnabled": boot["Enabled"], "BootSourceOverrideTarget": boot["Target"],
               "BootSourceOverrideTarget@Redfish.AllowableValues": [t for t in p["targets"] if p["http_boot"] or t != "UefiHttp"]}
        if p["mode"]:
            out["BootSourceOverrideMode"] = boot["Mode"]
        if boot["Uri"]:
            out["HttpBootUri"] = boot["Uri"]
        return out

    def power_state(self):
        b = self.bmc
        if time.monotonic() < b.power_at:
            return None # in between
        return "On" if b.machine.is_on() else "Off"

    def resources(self):
        b, p = self.bmc, self.bmc.p
        s, m = p["system"], p["manager"]
        reset = {"target": s + "/Actions/ComputerSystem.Reset"}
        out = {"/redfish/v1/Systems": self.links(p["more_systems"] + [s]), "/redfish/v1/Managers": self.links([m])}
        if p["resets_at"] == "info":
            reset["@Redfish.ActionInfo"] = s + "/ResetActionInfo"
            out[s + "/ResetActionInfo"] = {"Parameters": [{"Name": "ResetType", "AllowableValues": p["resets"]}]}
        else:
            reset["ResetType@Redfish.AllowableValues"] = p["resets"]
        system = {"@odata.id": s, "Manufacturer": p["maker"], "Model": p["model"], "BiosVersion": "2.1", "PowerState": self.power_state(),
                  "ProcessorSummary": {"Count": 2, "Model": "Intel Xeon"}, "MemorySummary": {"TotalSystemMemoryGiB": 64},
                  "Bios": {"@odata.id": s + "/Bios"}, "Actions": {"#ComputerSystem.Reset": reset},
                  "Boot": self.boot_object() if p["boot_at"] == "system" else {"BootSourceOverrideEnabled": "Disabled"},
                  "Links": {"ManagedBy": [{"@odata.id": m}]}}
        if b.tag is not None:
            system["AssetTag"] = b.tag
        manager = {"@odata.id": m, "DateTime": b.now(), "Model": p["bmc_model"], "FirmwareVersion": p["bmc_firmware"]}
        if p["boot_at"] == "settings" or p["other_settings"]:
            system["@Redfish.Settings"] = {"SettingsObject": {"@odata.id": s + "/Settings"}}
            out[s + "/Settings"] = {"Boot": self.boot_object() if p["boot_at"] == "settings" else {"BootOrder": ["Boot0001"]}}
        out.update({s: system, m: manager, s + "/Bios": {"Attributes": {"ProcVirtualization": "Enabled", "AssetTag": "x"}}})
        for extra in p["more_systems"]:
            out[extra] = {"@odata.id": extra, "PowerState": "On"}
        for owner, resource in ((s, system), (m, manager)):
            if p["media_at"] not in ("both", "system" if owner == s else "manager"):
                continue
            resource["VirtualMedia"] = {"@odata.id": owner + "/VirtualMedia"}
            names = p["useless_slots"] + [n for n, _ in p["slots"]]
            out[owner + "/VirtualMedia"] = self.links([f"{owner}/VirtualMedia/{n}" for n in names])
            for n in names:
                out[f"{owner}/VirtualMedia/{n}"] = self.slot(f"{owner}/VirtualMedia/{n}", n)
        self.add_log(out, s if p["log_at"] == "system" else m, system if p["log_at"] == "system" else manager)
        for t, task in b.tasks.items():
            done = time.monotonic() > task
            bad = done and p["task_fails"]
            out["/redfish/v1/TaskService/Tasks/" + t] = {
                "TaskState": "Exception" if bad else "Completed" if done else "Running", "TaskStatus": "Critical" if bad else "OK",
                "Messages": [{"Message": "the task could not"}] if bad else []}
        return out

    def add_log(self, out, owner, resource):
        at, (ident, kind) = owner + "/LogServices", self.bmc.p["log"]
        resource["LogServices"] = {"@odata.id": at}
        out[at] = self.links([at + "/Audit", f"{at}/{ident}"])
        out[at + "/Audit"] = {"Id": "Audit", "Entries": {"@odata.id": at + "/Audit/Entries"}}
        out[f"{at}/{ident}"] = {"Id": ident, "LogEntryType": kind, "Entries": {"@odata.id": f"{at}/{ident}/Entries"}}
        entries = [dict(e, **{"@odata.id": e.get("link", f"{at}/{ident}/Entries/{i}")}) for i, e in enumerate(self.bmc.events)]
        for e in entries:
            if "link" not in e:
                out[e["@odata.id"]] = e
        shown = [{"@odata.id": e["@odata.id"]} for e in entries] if self.bmc.p["log_links"] else entries
        half = (len(shown) + 1) // 2 # in two pages
        out[f"{at}/{ident}/Entries"] = {"Members": shown[:half]}
        if len(shown) > half:
            out[f"{at}/{ident}/Entries"]["Members@odata.nextLink"] = f"{at}/{ident}/Entries/more"
            out[f"{at}/{ident}/Entries/more"] = {"Members": shown[half:]}

    def slot(self, path, name):
        p, m = self.bmc.p, self.bmc.media.get(name)
        out = {"@odata.id": path, "Id": name, "MediaTypes": dict(p["slots"]).get(name, ["CD", "DVD"])}
        if m is None: # takes no image from us, and does not say so
            return dict(out, Inserted=False, Image=None, ConnectedVia="NotConnected")
        shown = m["in"] if time.monotonic() >= m["at"] else not m["in"]
        out.update(Inserted=shown, Image=m["image"] if shown or p["keeps_image"] else None, ConnectedVia="URI" if shown else "NotConnected")
        if p["insert"] == "action":
            out["Actions"] = {"#VirtualMedia.InsertMedia": {"target": path + "/Actions/VirtualMedia.InsertMedia"}}
            if shown or not p["eject_only_when_in"]:
                out["Actions"]["#VirtualMedia.EjectMedia"] = {"target": path + "/Actions/VirtualMedia.EjectMedia"}
        return out

    # ---- changes

    def finish(self, status=204):
        b = self.bmc
        if not b.p["tasks"]:
            return status, None, {}
        name = f"t{b.number}"
        b.tasks[name] = time.monotonic() + 0.05
        path = "/redfish/v1/TaskService/Tasks/" + name
        return 202, {"@odata.id": path}, {"Location": path}

    def action(self, path):
        s = self.bmc.p["system"]
        match = re.fullmatch(r".*/VirtualMedia/([^/]+)/Actions/VirtualMedia\.(Insert|Eject)Media", path)
        if path == s + "/Actions/ComputerSystem.Reset":
            return self.reset()
        if match and self.bmc.p["insert"] == "action" and match[1] in self.bmc.media:
            return self.insert(match[1], self.body) if match[2] == "Insert" else self.eject(match[1])
        raise Refusal(404, "no such action")

    def reset(self):
        b, kind = self.bmc, self.body.get("ResetType")
        on = b.machine.is_on()
        if kind not in b.p["resets"]:
            raise Refusal(400, f"{kind} is not in the list", "Base.1.0.ActionParameterNotSupported")
        if kind in ("On", "ForceOn"):
            if b.take("on_busy"):
                raise Refusal(409, "the machine is going off", "IDRAC.2.8.SYS519")
            if b.take("on_ignored"):
                return self.finish()
            if on:
                raise Refusal(400, "it is on", "iLO.2.8.InvalidOperationForSystemState")
            b.power_on()
        elif kind == "ForceOff":
            if not on:
                raise Refusal(400, "it is off", "iLO.2.8.InvalidOperationForSystemState")
            b.machine.off()
        b.switched.append(kind)
        b.power_at = time.monotonic() + b.p["power_lag"]
        return self.finish()

    def insert(self, name, body):
        b, p, m = self.bmc, self.bmc.p, self.bmc.media[name]
        for need in p["needs"]:
            if need not in body:
                raise Refusal(400, f"The property {need} is missing", "Base.1.0.PropertyMissing")
        for bad in p["refuses"]:
            if bad in body:
                raise Refusal(400, f"The property {bad} is not supported", "IDRAC.2.8.SYS458")
        if m["in"]:
            raise Refusal(500, "an image is in the drive")
        if b.take("insert_busy"):
            raise Refusal(500, "the drive is busy")
        url = body.get("Image") or ""
        if "?" in url or not url.endswith(".iso"):
            raise Refusal(400, "not an image")
        if b.take("insert_lies") or p["task_fails"]:
            return self.finish()
        try:
            m["path"] = b.fetch(url, f"media-{name}.iso")
        except OSError as e:
            raise Refusal(400, f"cannot read the image: {e}")
        m.update({"image": url, "in": True, "at": time.monotonic() + p["insert_lag"]})
        return self.finish()

    def eject(self, name):
        p, m = self.bmc.p, self.bmc.media[name]
        if p["eject_body"] and not self.has_body:
            raise Refusal(415, "a body is wanted")
        if not m["in"]:
            raise Refusal(400, "nothing is in")
        m.update({"in": False, "at": time.monotonic() + p["eject_lag"]})
        return self.finish()

    def check_etag(self, etag):
        kind, given = self.bmc.p["etag"], self.headers.get("If-Match")
        if kind == "demanded" and not given:
            raise Refusal(428, "If-Match is wanted", "Base.1.0.PreconditionRequired")
        if given and (kind == "never" or given not in (etag, "*")) and kind != "none":
            raise Refusal(412, "the ETag is another one", "Base.1.0.PreconditionFailed")

    def patch(self, path, etag):
        p = self.bmc.p
        if not self.writable(path):
            raise Refusal(405, "cannot be written")
        self.check_etag(etag)
        if "/VirtualMedia/" in path:
            return self.patch_slot(path.rsplit("/", 1)[1])
        if path == p["system"] and list(self.body) == ["AssetTag"]:
            return self.patch_tag(self.body["AssetTag"])
        at = p["system"] + ("/Settings" if p["boot_at"] == "settings" else "")
        if path != at or "Boot" not in self.body:
            raise Refusal(400, "Boot cannot be written here", "Base.1.0.PropertyNotWritable")
        return self.patch_boot(self.body["Boot"])

    def patch_slot(self, name):
        if name not in self.bmc.media:
            raise Refusal(400, "this drive takes no image")
        if self.body.get("Image"):
            if not self.body.get("Inserted"):
                return self.finish(200)
            return self.insert(name, self.body)
        return self.eject(name)

    def patch_tag(self, tag):
        b = self.bmc
        if b.p["tag"] == "refused" or b.tag is None:
            raise Refusal(405, "AssetTag cannot be written", "Base.1.0.PropertyNotWritable")
        if b.p["tag"] == "written":
            b.tag = tag[:b.p["tag_max"]]
        return self.finish(200)

    def patch_boot(self, want):
        b, p = self.bmc, self.bmc.p
        enabled, target = want.get("BootSourceOverrideEnabled"), want.get("BootSourceOverrideTarget")
        if p["mode"] in (False, "refused") and "BootSourceOverrideMode" in want:
            raise Refusal(400, "BootSourceOverrideMode cannot be written", "Base.1.0.PropertyNotWritable")
        if enabled == "Disabled" and p["disable"] == "never":
            raise Refusal(400, "cannot be disabled")
        if enabled == "Disabled" and p["disable"] == "target" and not target:
            raise Refusal(400, "BootSourceOverrideTarget is missing", "Base.1.0.PropertyMissing")
        if target and target not in p["targets"]:
            raise Refusal(400, f"{target} is not in the list", "Base.1.0.PropertyValueNotInList")
        b.boot["Enabled"] = "Continuous" if p["disable"] == "never" and enabled == "Once" else enabled or b.boot["Enabled"]
        b.boot["Target"] = "None" if enabled == "Disabled" else target or b.boot["Target"]
        b.boot["Uri"] = want.get("HttpBootUri", b.boot["Uri"])
        if b.take("patch_lies"):
            raise Refusal(400, "no")
        return self.finish(200)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


def serve(args):
    os.makedirs(args.dir, exist_ok=True)
    bmc = Bmc(args)
    server = Server(("127.0.0.1", 0), type("H", (Handler,), {"bmc": bmc}))
    scheme = "http"
    if args.tls:
        cert, key = os.path.join(args.dir, "cert.pem"), os.path.join(args.dir, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=wrong.example", "-days", "2",
                        "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"

    def end(*_):
        bmc.machine.off()
        if hasattr(bmc.machine, "process"):
            bmc.machine.process.terminate()
            bmc.machine.process.wait()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    tell(args.dir, "console", str(bmc.machine.port))
    tell(args.dir, "url", f"{scheme}://127.0.0.1:{server.server_port}")
    print("ready", flush=True)
    server.serve_forever()


class TreeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.rstrip("/")
        body, status, headers = self.tree.get(path), 200, {}
        if self.command == "POST" and path.endswith("/Sessions"):
            body, status, headers = {}, 201, {"X-Auth-Token": "t", "Location": path + "/1"}
        elif self.command != "GET":
            body, status = {}, 405
        elif body is None:
            body, status = {}, 404
        elif isinstance(body, str): # it is elsewhere
            body, status, headers = {}, 301, {"Location": body}
        data = json.dumps(body).encode()
        self.send_response(status)
        for k, v in dict(headers, **{"Content-Length": str(len(data))}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = answer


def tree(args):
    with open(args.file) as f:
        data = {path.rstrip("/"): body for path, body in json.load(f).items()}
    os.makedirs(args.dir, exist_ok=True)
    server = Server(("127.0.0.1", 0), type("T", (TreeHandler,), {"tree": data}))
    tell(args.dir, "url", f"http://127.0.0.1:{server.server_port}")
    print("ready", flush=True)
    server.serve_forever()


def tell(directory, name, text):
    """A file that is there whole or not at all."""
    path = os.path.join(directory, name)
    with open(path + ".new", "w") as f:
        f.write(text + "\n")
    os.rename(path + ".new", path)


def console(args):
    with open(os.path.join(args.dir, "console")) as f:
        line = socket.create_connection(("127.0.0.1", int(f.read())))

    os.write(1, b"\r\n") # it is open

    def send():
        while data := os.read(0, 4096):
            line.sendall(data)

    threading.Thread(target=send, daemon=True).start()
    while data := line.recv(65536):
        os.write(1, data)
    os._exit(0)


def control(args):
    context = ssl._create_unverified_context() # the tests' own
    request = urllib.request.Request(args.url + "/control", data=args.json.encode(), method="POST")
    with urllib.request.urlopen(request, context=context, timeout=30) as r:
        print(r.read().decode())


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(required=True)
    s = sub.add_parser("serve")
    s.set_defaults(run=serve)
    s.add_argument("dir")
    s.add_argument("--profile", default="plain", choices=sorted(PROFILES))
    s.add_argument("--tls", action="store_true")
    s.add_argument("--machine", default="fake", choices=("bochs", "qemu", "fake"))
    s.add_argument("--rate", type=int, default=1000000)
    s.add_argument("--hang", type=float, default=2, help="seconds of a time-out")
    s.add_argument("--set", action="append", default=[])
    s.add_argument("--http-boot", help="called with the URL that the firmware is to boot")
    s.add_argument("--qemu", nargs=argparse.REMAINDER)
    s = sub.add_parser("tree")
    s.set_defaults(run=tree)
    s.add_argument("dir")
    s.add_argument("file")
    s = sub.add_parser("console")
    s.set_defaults(run=console)
    s.add_argument("dir")
    s = sub.add_parser("control")
    s.set_defaults(run=control)
    s.add_argument("url")
    s.add_argument("json")
    args = p.parse_args()
    args.run(args)
