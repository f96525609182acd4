#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A port for a server that has to be told one: it is free for TCP and UDP now, and the kernel gives it to nobody who does not
ask for it by its number (/proc/sys/net/ipv4/ip_local_port_range), as it does with those that bind to port 0 and to each connection."""
import random
import socket


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def find():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    low = 10000 if first > 11000 else 1024
    while True:
        port = random.randrange(low, max(first, low + 1000))
        if is_free(port):
            return port


if __name__ == "__main__":
    print(find())
