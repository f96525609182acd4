#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux as L1, run by the agent itself: it boots, runs L2s with its own KVM, proves them, and says who it is. What
# goes wrong in it is the boot's failure, with the end of L1's console in the error.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }
records() { cat "$TMP"/runs/*/"$1"-1/records.jsonl; }

cat >"$TMP/real.json" <<-END
	{ "scenarios": [
		{ "scenario": "exits", "reason": ["cpuid", "rdmsr", "io", "hlt", "vmcall", "ept-violation"],
		  "l1": "linux-kvm", "rounds": 40, "warmup": 4 },
		{ "scenario": "multiplex", "l1": "linux-kvm", "memory": ["managed", "unmanaged"],
		  "l2_vcpus": 4, "rounds": 20, "warmup": 2 },
		{ "scenario": "multiplex", "l2_vcpus": 2, "rounds": 5, "warmup": 1 } ] }
END
"$NESTLAB" run "$TMP/real.json" --kernel baseline --boots 1 --db "$db" >"$TMP/out" 2>&1
ok $? "a plan with Linux L1s and a micro-hypervisor passes"
is "$(sql "SELECT count(DISTINCT measurement) FROM metric WHERE metric IN ('exit', 'switch')")" 9 \
	"each measurement gave numbers"
said=$(records baseline-real | jq -c 'select(.type == "l1") | [.id, .via, .hypervisor, .nested, .cpus]')
is "$said" '[0,"thin","KVMKVMKVM","vmcs",1]
[7,"thin","KVMKVMKVM","vmcs",1]' "one L1 for what it can serve, another for the other memory; both say who they are"
build_id=$(records baseline-real | jq -r 'select(.type == "l1") | .build_id' | sort -u)
is "$build_id" "$("$NESTLAB" kernel show l1-linux --json | jq -r '.. | .build_id? // empty' | head -1)" \
	"the kernel in L1 is the variant l1-linux"
is "$(records baseline-real | jq -c 'select(.type == "metric" and .via == "thin") | .id' | sort -u | wc -l)" 8 \
	"what comes from inside says so"
is "$(sql "SELECT l1_kernel_name FROM run")" l1-linux "the L1 kernel is stored"
is "$(sql "SELECT count(*) FROM measurement WHERE params ->> '\$.vmm' = 'thin'")" 8 \
	"and the VMM, with the measurements that have one"

# enlightened VMCSs, really; and several vCPUs
cat >"$TMP/evmcs.json" <<-END
	{ "scenarios": [
		{ "scenario": "multiplex", "l1": "linux-evmcs", "l2_vcpus": 2, "rounds": 10, "warmup": 1 },
		{ "scenario": "migrate", "l1": "linux-kvm", "l1_vcpus": 2, "l2_vcpus": 4, "rounds": 5, "warmup": 1 },
		{ "scenario": "multiplex", "l1": "linux-evmcs", "kvm_visible": true, "l2_vcpus": 2, "rounds": 10,
		  "warmup": 1 } ] }
END
"$NESTLAB" run "$TMP/evmcs.json" --kernel baseline --boots 1 --db "$TMP/evmcs.db" >"$TMP/out" 2>&1
is $? 1 "a Linux L1 that sees KVM beside Hyper-V: exit 1"
like "$(cat "$TMP/out")" 'guest: .*kvm_visible":true.*another interface than asked for: expected evmcs, found vmcs' \
	"it silently drives plain VMCSs, and that is the failure"
is "$(sqlite3 "$TMP/evmcs.db" "SELECT group_concat(metric) FROM (SELECT metric FROM metric
	WHERE metric IN ('switch', 'migration') ORDER BY metric)")" migration,switch "the other two gave numbers"
said=$(records baseline-evmcs | jq -c 'select(.type == "l1") |
	[.hypervisor, .nested, .cpus, (.log | any(test("Using Hyper-V Enlightened VMCS")))]')
is "$said" '["Microsoft Hv","evmcs",1,true]
["KVMKVMKVM","vmcs",2,false]
["Microsoft Hv","vmcs",1,false]' "each L1 says what it uses, and its kernel's log proves it"

# threads, L2s of two vCPUs that wake each other and are woken by timers, memory that changes under L1, L1's own boot
cat >"$TMP/work.json" <<-END
	{ "l1_kernel": "baseline", "scenarios": [
		{ "scenario": "l2-work", "work": ["memory", "syscall", "doorbell", "timer", "ipi"], "l1": "linux-kvm",
		  "threads": true, "l2_smp": 2, "l2_vcpus": 4, "rounds": 10, "warmup": 1 },
		{ "scenario": "multiplex", "l1": "linux-kvm", "threads": true, "l2_vcpus": 32, "rounds": 4, "warmup": 1 },
		{ "scenario": "churn", "operation": ["memslot", "migrate-page", "share"], "l1": "linux-kvm", "l2_vcpus": 2,
		  "rounds": 2, "warmup": 1 },
		{ "scenario": "l1-boot", "l1": "linux-kvm", "rounds": 1, "warmup": 0 },
		{ "scenario": "l2-boot", "l1": "linux-kvm", "rounds": 1, "warmup": 0 } ] }
END
"$NESTLAB" run "$TMP/work.json" --kernel baseline --boots 1 --db "$TMP/work.db" >"$TMP/out" 2>&1
ok $? "works, threads, churn and the boots of a Linux L1 and of its L2" || tail -5 "$TMP/out"
is "$(sqlite3 "$TMP/work.db" "SELECT scenario || ' ' || count(*) || ' ' || sum(count) FROM metric JOIN measurement
	ON measurement.id = measurement AND headline GROUP BY scenario ORDER BY 1" | tr '\n' ',')" \
	"churn 3 12,l1-boot 1 1,l2-boot 1 1,l2-work 5 180,multiplex 1 128," "each has the samples that it must have"
is "$(sqlite3 "$TMP/work.db" "SELECT l1_kernel_name FROM run")" baseline "the L1 kernel is the one that the plan names"

# an L1 that panics; the plan goes on
"$NESTLAB" run "$TMP/real.json" --kernel baseline --l1-kernel "$TOP/tests/kernels/panic.json" --boots 1 \
	--db "$TMP/panic.db" >"$TMP/out" 2>&1
is $? 1 "an L1 kernel that panics: exit 1"
like "$(cat "$TMP/out")" 'guest: .*the Linux L1 did not answer.*this kernel panics at boot' \
	"the panic's text is in the error"
is "$(sqlite3 "$TMP/panic.db" "SELECT class FROM run")" guest "class guest"
is "$(sqlite3 "$TMP/panic.db" "SELECT count(*) FROM metric WHERE metric = 'switch'")" 1 \
	"what needs no Linux L1 was measured all the same"

"$NESTLAB" run "$TMP/real.json" --kernel baseline --l1-kernel no-such --boots 1 --db "$db" >"$TMP/out" 2>&1
is $? 128 "an L1 kernel that is not there: exit 128"
like "$(cat "$TMP/out")" 'no-such' "and it is named"
plan_done
