#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fake-bochs.sh - stands in for Bochs, as `bochs` in PATH, for what a real one will not do on demand.
# FAKE_BOCHS says what to do; FAKE_PIDS is a file that gets the ids of its processes.
config=$3
setting() { sed -n "s/^$1.*\"\(.*\)\"\$/\1/p" "$config"; }
say() { echo "00000000000p[TEST  ] >>PANIC<< $1" >>"$(setting log:)"; }
case $FAKE_BOCHS in
crash) kill -SEGV $$ ;;
killed) kill -KILL $$ ;;
broken) say "could not open hard drive image file"; exit 1 ;;
config) echo "00000000000p[      ] >>PANIC<< $config:1: directive not understood" >&2; exit 1 ;;
off) say "Shutdown port: shutdown requested"; exit 1 ;;
screen) # a megabyte for a terminal that it makes itself, as Bochs' text display does
	python3 -c '
import os, sys, tty
master, slave = os.openpty()
tty.setraw(master)
print("Bochs connected to screen \"%s\"" % os.ttyname(slave), file=sys.stderr, flush=True)
os.close(slave)
for _ in range(1024):
    left = 1024
    while left:
        left -= os.write(master, bytes(left))' && say "ACPI control: soft power off"
	exit 1
	;;
hang)
	sleep 1000 &
	echo "$$ $!" >"$FAKE_PIDS"
	wait
	;;
esac
