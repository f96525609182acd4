#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Faults that nested.c once had, made again (tests/past-bugs), are found: by the Linux L1 that quick boots, too, and by one that is
# saved as l1-quick does it.
set -u
. "$(dirname "$0")/../lib/tap.sh"

cat >"$TMP/linux.json" <<-END
	{ "l1_kernel": "baseline", "scenarios": [
		{ "scenario": "exits", "reason": "cpuid", "l1": "linux-kvm", "rounds": 10, "warmup": 1 } ] }
END
db=$TMP/nestlab.db
found() { sqlite3 "$db" "SELECT class || ': ' || error FROM run WHERE kernel_name = '$1'"; }

"$NESTLAB" run "$TMP/linux.json" --kernel baseline --kernel "$TOP/tests/past-bugs/lost-irq.json" \
	--kernel "$TOP/tests/past-bugs/no-vector.json" --boots 1 --db "$db" >"$TMP/out" 2>&1
is $? 1 "the run: exit 1"
is "$(sqlite3 "$db" "SELECT status FROM run WHERE kernel_name = 'baseline'")" pass "baseline passes"
like "$(found lost-irq)" "^integrity: .*a timer of L1's did not end the run of an L2 that takes no exit" \
	"lost-irq: the interrupt that waited when L1 entered L2 is lost"
like "$(found no-vector)" "^guest: .*L1's hypervisor gave L2 0 up .*I/O error" \
	"no-vector: L1's KVM gives its VM up, as the exit for an interrupt does not say which"

cat >"$TMP/save.json" <<-END
	{ "scenarios": [ { "scenario": "l1-save-restore", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 2, "rounds": 1 } ] }
END
"$NESTLAB" run "$TMP/save.json" --kernel "$TOP/tests/past-bugs/unsynced-save.json" --boots 1 --db "$db" >"$TMP/out" 2>&1
like "$(found unsynced-save)" "^integrity: .*a register that only some exits bring to L1 lost its value" \
	"unsynced-save: one save is enough, as L1 has just left an L2 that changed it"
plan_done
