#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux as L1, run by libvirt, in memory that L0 does not manage; what libvirt finds out about QEMU is asked once. It goes to
# and fro between two libvirts, and stays where it is when the QEMU there is killed. And an L1 by QEMU that is to use enlightened
# VMCSs but sees KVM is a failure.
set -u
. "$(dirname "$0")/../lib/tap.sh"

[ -x "$(dirname "$NESTLAB")/nestlab-l1-libvirt" ] || skip_all "no nestlab-l1-libvirt (apt-get install libvirt-dev; make)"
db=$TMP/nestlab.db
records() { cat "$TMP"/runs/*/baseline-libvirt-1/records.jsonl; }

cat >"$TMP/libvirt.json" <<-END
	{ "scenarios": [
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "vmm": "libvirt", "memory": "unmanaged",
		  "rounds": 20, "warmup": 2 },
		{ "scenario": "l1-live-migrate", "l1": "linux-kvm", "vmm": "libvirt", "l2_vcpus": 2, "rounds": 2 },
		{ "scenario": "l1-live-migrate", "l1": "linux-kvm", "vmm": "libvirt", "l2_vcpus": 2, "rounds": 1,
		  "fault": "destination-killed" },
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-evmcs", "vmm": "qemu", "kvm_visible": true,
		  "rounds": 20, "warmup": 2 } ] }
END
"$NESTLAB" run "$TMP/libvirt.json" --kernel baseline --boots 1 --db "$db" >"$TMP/out" 2>&1
is $? 1 "the boot fails"
like "$(cat "$TMP/out")" 'guest: .*kvm_visible":true.*another interface than asked for: expected evmcs, found vmcs' \
	"for the L1 that silently used plain VMCSs"
is "$(records | jq -c 'select(.type == "l1") | [.id, .via, .nested]')" '[0,"libvirt","vmcs"]
[1,"libvirt","vmcs"]
[2,"libvirt","vmcs"]
[3,"qemu","vmcs"]' "all L1s came up"
is "$(sqlite3 -separator ' ' "$db" "SELECT scenario, metric, count FROM metric JOIN measurement AS m ON m.id = metric.measurement
	WHERE metric <> 'switch' AND json_extract(params, '\$.fault') IS NULL ORDER BY 1, 2")" "exits exit 20
l1-live-migrate downtime 2
l1-live-migrate duration 2
l1-live-migrate gap 1" "those of libvirt alone have numbers: it moved twice, its L2s right to the last step"
is "$(sqlite3 "$db" "SELECT value > 10000000 FROM counter WHERE name = 'l1_bytes_moved'")" 1 "and how much went over"
like "$(records | jq -r 'select(.type == "fail" and .id == 2) | .class + ": " + .text')" \
	'infrastructure: .*did not get to the other libvirt: .*The QEMU there was killed by signal 9.*It ran on here' \
	"where the QEMU that it goes to is killed, L1 runs on, and that is said"
least=$(records | jq 'select(.type == "metric" and .id == 0) | .min')
[ "$least" -gt 14000 ] && [ "$least" -lt 18000 ]
ok $? "of memory that L0 does not manage: baseline maps it at each exit ($least)"
asked=$(records | jq -c 'select(.type == "file")' | wc -l)
[ "$asked" = 0 ] || grep -q "libvirt asked QEMU what it can do" "$TMP/out"
ok $? "if libvirt had to ask QEMU what it can do, nestlab says so ($asked)"
plan_done
