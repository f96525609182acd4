#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux as L1, run by libvirt, in memory that L0 does not manage; what libvirt finds out about QEMU is asked once. And an L1
# by QEMU that is to use enlightened VMCSs but sees KVM is a failure.
set -u
. "$(dirname "$0")/../lib/tap.sh"

[ -x "$(dirname "$NESTLAB")/nestlab-l1-libvirt" ] || skip_all "no nestlab-l1-libvirt (apt-get install libvirt-dev; make)"
db=$TMP/nestlab.db
records() { cat "$TMP"/runs/*/baseline-libvirt-1/records.jsonl; }

cat >"$TMP/libvirt.json" <<-END
	{ "scenarios": [
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "vmm": "libvirt", "memory": "unmanaged",
		  "rounds": 20, "warmup": 2 },
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-evmcs", "vmm": "qemu", "kvm_visible": true,
		  "rounds": 20, "warmup": 2 } ] }
END
"$NESTLAB" run "$TMP/libvirt.json" --kernel baseline --boots 1 --db "$db" >"$TMP/out" 2>&1
is $? 1 "the boot fails"
like "$(cat "$TMP/out")" 'guest: .*kvm_visible":true.*another interface than asked for: expected evmcs, found vmcs' \
	"for the L1 that silently used plain VMCSs"
is "$(records | jq -c 'select(.type == "l1") | [.id, .via, .nested]')" '[0,"libvirt","vmcs"]
[1,"qemu","vmcs"]' "both L1s came up"
is "$(records | jq -c 'select(.type == "metric") | [.id, .via]')" '[0,"libvirt"]' "and that of libvirt alone has numbers"
least=$(records | jq 'select(.type == "metric") | .min')
[ "$least" -gt 14000 ] && [ "$least" -lt 18000 ]
ok $? "of memory that L0 does not manage: baseline maps it at each exit ($least)"
asked=$(records | jq -c 'select(.type == "file")' | wc -l)
[ "$asked" = 0 ] || grep -q "libvirt asked QEMU what it can do" "$TMP/out"
ok $? "if libvirt had to ask QEMU what it can do, nestlab says so ($asked)"
# All of the boot, by its own clock, so the same on any machine: what l1-quick costs is mostly this (tests/bench/l1-quick.sh).
ticks=$(grep -h PANIC "$TMP"/runs/*/baseline-libvirt-1/emulator.log | grep -o '^[0-9]*')
million=$((10#$ticks / 1000000)) limit=1900
[ "$asked" = 0 ] || limit=$((limit + 1300))
ok $((million > limit)) "which took no more instructions than it has to ($million of $limit million)"
plan_done
