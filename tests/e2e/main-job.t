#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The main job for real: kernels are built (or taken from the cache), booted in the emulator, run
# L2 guests, and are compared. What must be true of the numbers is asserted, not their size in time.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }

out=$("$NESTLAB" run quick --kernel baseline --kernel nested-context --boots 2 --db "$db" 2>"$TMP/err")
status=$?
ok "$([ $status -le 1 ]; echo $?)" "run quick on baseline and nested-context gives an answer"
[ $status -le 1 ] || tail -20 "$TMP/err" | sed 's/^/# /'
like "$out" 'improved' "the table says that nested-context improves something"
like "$out" "database: $db" "and where the database is"
is "$(sql "SELECT count(*) FROM run WHERE status = 'pass'")" 4 "four boots are stored as passed"
"$NESTLAB" db check --db "$db" >/dev/null 2>&1
ok $? "the database passes its check"

json=$("$NESTLAB" compare baseline nested-context --db "$db" --json)
is "$(sql "SELECT DISTINCT l1_kernel_name || (l1_kernel_key IN (SELECT kernel_key FROM run))
	FROM run")" baseline1 "the Linux L1 is one of the kernels that were built anyway"
is "$(jq -r .clock <<<"$json")" emulated "the comparison names its clock"
is "$(jq -r '[.metrics[] | select((.metric == "switch" or .metric == "migration") and
	.verdict != "improved" and .verdict != "unchanged")] | length' <<<"$json")" 0 \
	"no switch and no migration costs more"

# cost L1 MEMORY APIC_PAGES SIDE: median of a switch among 8 L2 vCPUs
cost() {
	jq -r --arg l1 "$1" --arg memory "$2" --argjson apic "$3" '[.metrics[]
		| select(.scenario == "multiplex" and .metric == "switch" and .params.l1 == $l1
			and .params.memory == $memory and .params.apic_pages == $apic
			and .params.l2_vcpus == 8)][0].'"$4"'.median' <<<"$json"
}
over() { # over A B FACTOR: is A at least FACTOR times B?
	awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { exit !(b > 0 && a >= f * b) }'
	echo $?
}
ok "$(over "$(cost micro-vmx unmanaged false base)" "$(cost micro-vmx managed false base)" 1.10)" \
	"baseline, vmx: unmanaged memory costs at least 1.10 times managed"
ok "$(over "$(cost micro-vmx unmanaged true base)" "$(cost micro-vmx managed true base)" 1.40)" \
	"with APIC pages at least 1.40 times"
ok "$(over "$(cost micro-evmcs unmanaged false base)" "$(cost micro-evmcs managed false base)" 1.08)" \
	"evmcs: at least 1.08 times"
ok "$(over "$(cost linux-kvm unmanaged false base)" "$(cost linux-kvm managed false base)" 1.10)" \
	"a Linux L1: at least 1.10 times"
ok "$(over "$(cost linux-kvm managed false new)" "$(cost linux-kvm unmanaged false new)" 0.995)" \
	"nested-context: in a Linux L1 unmanaged memory costs no more than managed"
ok "$(over "$(cost micro-vmx unmanaged false base)" "$(cost micro-vmx unmanaged false new)" 1.02)" \
	"nested-context makes unmanaged memory cheaper"

out=$("$NESTLAB" compare baseline baseline --db "$db" --json)
is "$(jq -r '[.metrics[] | select(.verdict == "improved" or .verdict == "regressed")] | length' \
	<<<"$out")" 0 "baseline against itself: nothing is called changed"

plan_done
