#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A machine behind a BMC: what a BMC's firmware switches, boots and listens to.

    machine.py run DIR [--console PORT] [--rate BYTES] [--qemu ARG...]
        holds the machine; its files are in DIR: control (a socket), media.iso (what is in the drive),
        bochsrc, emulator.log, wire.log (all that the serial line said)
    machine.py DIR get|set [NAME VALUE]...
        as ipmi_sim calls its chassis_control program: get power; set power 1; set boot cdrom; set reset 1
    machine.py DIR fault NAME VALUE
        drop-line N (of each 1000 pieces of the line that are carried, N are lost), replay FILE (said on
        the line at power-on),
        stuck 1 (boots its disk, whatever it was told to boot)

The machine is Bochs, or QEMU with the given arguments. Its serial line is a socket that this program
holds, at most RATE bytes a second, as an UART would: whoever connects to PORT reads what comes
from then on, and what it writes goes to the machine."""

import argparse
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time

BOCHS = """display_library: term
romimage: file="/usr/share/bochs/BIOS-bochs-latest", options=fastboot
vgaromimage: file="/usr/share/bochs/VGABIOS-lgpl-latest"
megs: 1024
cpu: model=corei7_skylake_x, count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none, time0=1700000000
ata0-master: type=cdrom, path="{media}", status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
log: "{dir}/emulator.log"
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


class Machine:
    def __init__(self, args):
        self.dir = os.path.abspath(args.dir)
        self.rate, self.qemu = args.rate, args.qemu
        self.boot = "default"
        self.process = self.screen = self.serial = None
        self.readers = []
        self.queue = b""  # what the machine said and the line has not carried yet
        self.allowed = 0.0
        self.last = time.monotonic()
        self.faults = {}
        self.wire = open(os.path.join(self.dir, "wire.log"), "ab", buffering=0)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(os.path.join(self.dir, "control"))
        self.control.listen(8)
        self.consoles = self.listen(args.console)
        self.uart = self.listen(0)
        with open(os.path.join(self.dir, "uart"), "w") as f:
            print(self.uart.getsockname()[1], file=f)

    @staticmethod
    def listen(port):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen(4)
        return s

    # ---- power

    def is_on(self):
        if self.process and self.process.poll() is not None:
            self.off()
        return self.process is not None

    def command(self):
        port = self.uart.getsockname()[1]
        media = os.path.join(self.dir, "media.iso")
        if self.qemu:
            return ["qemu-system-x86_64", "-display", "none", "-no-reboot", "-monitor", "none",
                    "-serial", f"tcp:127.0.0.1:{port}"] + [a.replace("@DIR@", self.dir) for a in self.qemu]
        with open(os.path.join(self.dir, "bochsrc"), "w") as f:
            f.write(BOCHS.format(media=media, port=port, dir=self.dir))
        with open(os.path.join(self.dir, "commands"), "w") as f:
            f.write("c\n")
        return ["bochs", "-q", "-f", os.path.join(self.dir, "bochsrc"), "-rc",
                os.path.join(self.dir, "commands")]

    def on(self):
        if self.is_on():
            return
        if "replay" in self.faults:
            with open(self.faults["replay"], "rb") as f:
                self.queue += f.read()
        if self.faults.get("stuck") == "1" or not self.qemu and self.boot != "cdrom":
            self.queue += b"\r\nPXE-E18: nothing to boot from\r\nPress a key ...\r\n"
            self.process = subprocess.Popen(["sleep", "3600"], start_new_session=True)
            return
        with open(os.path.join(self.dir, "emulator.err"), "w") as errors:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                start_new_session=True, env=dict(os.environ, TERM="xterm"))
        self.boot = "default"  # once

    def off(self):
        if self.process:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.screen is not None:
            os.close(self.screen)
        if self.serial:
            self.serial.close()
        self.process = self.screen = self.serial = None

    def drain_screen(self):
        """Bochs shows its screen on a terminal of its own, which has to be read."""
        if self.qemu or not self.process or self.process.args[0] != "bochs":
            return
        try:
            if self.screen is None:
                with open(os.path.join(self.dir, "emulator.err")) as f:
                    said = f.read().split('Bochs connected to screen "')
                if len(said) > 1 and '"' in said[1]:
                    self.screen = os.open(said[1].split('"')[0],
                                          os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            while self.screen is not None and os.read(self.screen, 65536):
                pass
        except OSError:
            pass

    # ---- what the BMC asks

    def answer(self, words):
        if words[:1] == ["get"]:
            state = {"power": int(self.is_on()), "boot": self.boot, "reset": 0}
            return "".join(f"{w}:{state.get(w, 0)}\n" for w in words[1:])
        pairs = list(zip(words[1::2], words[2::2]))
        for name, value in pairs:
            if words[0] == "fault":
                self.faults[name] = value
            elif name == "boot":
                self.boot = value
            elif name == "power" and int(value):
                self.on()
            elif name in ("power", "reset"):
                self.off()
                if name == "reset":
                    self.on()
        return ""

    # ---- the line

    def carry(self):
        now = time.monotonic()
        self.allowed = min(self.allowed + (now - self.last) * self.rate, self.rate / 10)
        self.last = now
        data = self.queue[:int(self.allowed)]
        if not data:
            return
        self.queue = self.queue[len(data):]
        self.allowed -= len(data)
        self.wire.write(data)
        if random.random() < int(self.faults.get("drop-line", 0)) / 1000:
            return
        for r in list(self.readers):
            if not self.say(r, data):
                self.readers.remove(r)

    def take(self, s):
        if s is self.control:
            c = s.accept()[0]
            words = c.recv(4096).decode().split("\0")
            self.say(c, self.answer(words).encode() + b"\n")
            c.close()
        elif s is self.uart:
            self.serial = s.accept()[0]
        elif s is self.consoles:
            self.readers.append(s.accept()[0])
        elif s is self.serial:
            data = self.receive(s)
            if data:
                self.queue += data
            else:
                self.serial = None
        else:
            data = self.receive(s)
            if not data and s in self.readers:
                self.readers.remove(s)
            elif data and self.serial:
                self.say(self.serial, data)

    @staticmethod
    def say(s, data):
        try:
            s.sendall(data)
            return True
        except OSError:
            return False

    @staticmethod
    def receive(s):
        try:
            return s.recv(65536)
        except OSError:
            return b""

    def run(self):
        print("ready", flush=True)
        while True:
            # An UART holds what it has not sent: the machine waits for it.
            full = len(self.queue) > 4096
            sources = [self.control, self.uart, self.consoles] + self.readers
            if self.serial and not full:
                sources.append(self.serial)
            for s in select.select(sources, [], [], 0.005 if self.queue else 0.05)[0]:
                self.take(s)
            self.carry()
            self.drain_screen()


def ask(directory, words):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(directory, "control"))
    s.sendall("\0".join(words).encode())
    s.shutdown(socket.SHUT_WR)
    sys.stdout.write(s.makefile().read().rstrip("\n") + "\n")


if __name__ == "__main__":
    if sys.argv[1] != "run":
        ask(sys.argv[1], [w.strip('"') for w in sys.argv[2:]])
        sys.exit(0)
    p = argparse.ArgumentParser()
    p.add_argument("command")
    p.add_argument("dir")
    p.add_argument("--console", type=int, default=0)
    p.add_argument("--rate", type=int, default=11520)
    p.add_argument("--qemu", nargs=argparse.REMAINDER)
    machine = Machine(p.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: (machine.off(), sys.exit(0)))
    machine.run()
