#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux as L1, run by QEMU: the image has QEMU in it, L1 sees what it is to see and drives L0 as it is to, in both
# memories, and its numbers are never mixed with those of another VMM. Backing and enlightenments are by name.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }
records() { cat "$TMP"/runs/*/"$1"-1/records.jsonl; }

cat >"$TMP/real.json" <<-END
	{ "scenarios": [
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "vmm": "qemu", "rounds": 40, "warmup": 4 },
		{ "scenario": "multiplex", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 4, "rounds": 20, "warmup": 2 },
		{ "scenario": "l1-snapshot-storm", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 2, "rounds": 2 },
		{ "scenario": "multiplex", "l1": "linux-evmcs", "vmm": "qemu", "memory": "unmanaged", "l2_vcpus": 4,
		  "rounds": 20, "warmup": 2 },
		{ "scenario": "multiplex", "l1": "linux-kvm", "l2_vcpus": 4, "rounds": 20, "warmup": 2 },
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "vmm": "qemu", "enlightenments": "none",
		  "rounds": 20, "warmup": 2 },
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "vmm": "qemu", "enlightenments": "hyperv-basic",
		  "backing": "memfd", "rounds": 20, "warmup": 2 } ] }
END
"$NESTLAB" run "$TMP/real.json" --kernel baseline --boots 1 --db "$db" >"$TMP/out" 2>&1
ok $? "a plan with L1s of QEMU and one of the agent's own passes"
is "$(sql "SELECT group_concat(v, ' ') FROM (SELECT m.params ->> '\$.vmm' AS v FROM metric x
	JOIN measurement m ON m.id = x.measurement WHERE x.metric IN ('exit', 'switch') ORDER BY m.id)")" \
	"qemu qemu qemu qemu thin qemu qemu" "each measurement gave numbers, which are stored with the VMM"
said=$(records baseline-real | jq -c 'select(.type == "l1") |
	[.id, .via, .hypervisor, .nested, (.log | any(test("Using Hyper-V Enlightened VMCS")))]')
is "$said" '[0,"qemu","KVMKVMKVM","vmcs",false]
[3,"qemu","Microsoft Hv","evmcs",true]
[4,"thin","KVMKVMKVM","vmcs",false]
[5,"qemu","","vmcs",false]
[6,"qemu","Microsoft Hv","vmcs",false]' "each L1 says what runs it and what it uses; its kernel's log proves it"
is "$(sql "SELECT group_concat(metric || ' ' || count, ' ') FROM (SELECT metric, count FROM metric
	WHERE metric IN ('downtime', 'revert') ORDER BY metric)")" "downtime 2 revert 2" \
	"L1 went back to its snapshots, its L2s right all the time"
like "$(sql "SELECT host_identity FROM run")" '"userland":"QEMU emulator version' \
	"which QEMU it was is a part of the host: another one's numbers do not compare"
is "$(sql "SELECT l1_kernel_name FROM run")" l1-linux "the L1 kernel is stored"
plan_done
