#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What can go wrong with a Linux L1 under QEMU on a real L0, each caused for real in one boot: each has its own words, class
# and remedy, and the plan goes on after each. By the agent itself and by libvirt: tests/bench/l1-faults.sh.
set -u
. "$(dirname "$0")/../lib/tap.sh"

cat >"$TMP/faults.json" <<-END
	{ "scenarios": [
		{ "scenario": "multiplex", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 1, "rounds": 1, "warmup": 0,
		  "fault": ["vmm-killed", "triple-fault", "panic", "silent", "refused", "no-memory"] },
		{ "scenario": "l1-save-restore", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 1, "rounds": 1,
		  "fault": "disk-full" },
		{ "scenario": "multiplex", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 1, "rounds": 4, "warmup": 0 } ] }
END
db=$TMP/nestlab.db
"$NESTLAB" run "$TMP/faults.json" --kernel baseline --boots 1 --db "$db" >"$TMP/out" 2>&1
is $? 1 "a plan with faults: exit 1"
text_of() { # FAULT: what is stored of it
	sqlite3 "$db" "SELECT text FROM test JOIN measurement AS m ON m.id = test.measurement
		WHERE result = 'fail' AND params ->> '\$.fault' = '$1'"
}
like "$(text_of vmm-killed)" '^infrastructure: .*QEMU was killed by signal 9.*console.log says so' "a killed QEMU"
like "$(text_of triple-fault)" '^guest: .*a triple fault\..*--kernel baseline too' "a triple fault of L1"
like "$(text_of panic | tr '\n' ' ')" '^guest: .*a panic of its kernel\..*Attempted to kill init' \
	"a panic of L1's kernel, with its words"
like "$(text_of silent)" '^guest: .*nothing within [0-9]+ s\. Does it hang' "an agent in L1 that is silent"
like "$(text_of refused)" "^infrastructure: .*install a version that has it.*Property .*no-such-enlightenment' not found" \
	"a setting that QEMU does not take, which is named"
like "$(text_of no-memory)" '^infrastructure: .*give the host more.*Cannot allocate memory' "no memory for L1"
like "$(text_of disk-full)" "^infrastructure: .*No space left on device.*L0's /tmp is full" "no room for a saved L1"
is "$(sqlite3 "$db" "SELECT count(*) FROM test WHERE result = 'fail'")" 7 "each failed once"
is "$(sqlite3 "$db" "SELECT sum(count) FROM metric WHERE metric = 'switch'")" 4 \
	"after all of them the plan's last L1 was measured, and it alone"
is "$(sqlite3 "$db" "SELECT class FROM run")" guest "what the machine did hides nothing that L1 did: class guest"
plan_done
