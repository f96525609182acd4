#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each mutant of the nested-context series is caught by the selftest that tests/mutants/README.md names,
# with its message; the series itself passes the same selftests. Mutants that have the same catcher are
# booted in pairs, one on each core.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }

# mutant | its catcher | where: output or console | what it says (extended regular expression)
table() {
	grep -vE '^(#|$)' <<'EOF'
ask-unused|nested_context_invalidate_test|output|no end within
never-invalidate|nested_context_invalidate_test|output|not ok 1 MSR bitmap, MADV_DONTNEED
skip-dirty|nested_context_invalidate_test|output|not ok 11 dirty log, virtual-APIC page
stale-gpa|nested_context_invalidate_test|output|0x12 != 0x1f \(vmreadz\(VM_EXIT_REASON\) != EXIT_REASON_MSR_READ\)
stale-msr-bitmap|nested_context_invalidate_test|output|not ok 1 MSR bitmap, MADV_DONTNEED
ignore-limit|nested_context_switch_test|output|reuse 27, expected 24; recycle 0, expected 0
foreign-vmclear|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
free-while-loaded|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
keep-old-pointers|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
recycle-keeps-vcpu|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
EOF
}

# How many seconds of the emulated clock each catcher may take: what it takes, and half again.
declare -A limits=([nested_context_invalidate_test]=15 [nested_context_abuse_test]=60
	[nested_context_switch_test]=120)

# boot TEST: nested-context and all mutants that TEST catches, one boot each
boot() {
	local kernels=(--kernel=nested-context) mutant i
	for mutant in $(table | awk -F'|' -v t="$1" '$2 == t { print $1 }'); do
		kernels+=("--kernel=$TOP/tests/mutants/$mutant.json")
	done
	printf '{"scenarios":[{"scenario":"kselftest","test":"%s","limit_s":%d}]}' \
		"$1" "${limits[$1]}" >"$TMP/$1.json"
	for ((i = 0; i < ${#kernels[@]}; i += 2)); do
		"$NESTLAB" run "$TMP/$1.json" "${kernels[@]:i:2}" --boots 1 --db "$db" \
			>/dev/null 2>>"$TMP/$1.err"
	done
	is "$(sql "SELECT status || ' ' || result FROM run JOIN test ON test.run = run.id
		WHERE kernel_name = 'nested-context' AND scenario_name = '$1'")" "pass pass" \
		"$1 passes on nested-context"
}

# caught MUTANT TEST WHERE REGEX
caught() {
	local text
	is "$(sql "SELECT status FROM run WHERE kernel_name = '$1'")" fail "$1: its run failed"
	if [ "$3" = output ]; then
		text=$(sql "SELECT text FROM test JOIN run ON run.id = test.run
			WHERE kernel_name = '$1' AND name = '$2' AND result = 'fail'")
	else
		text=$(sql "SELECT error FROM run WHERE kernel_name = '$1'")
	fi
	like "$text" "$4" "$1: caught by $2: $(grep -oE -m1 -- ".{0,60}$4.{0,40}" <<<"$text")"
}

for test in $(table | cut -d'|' -f2 | uniq); do
	boot "$test"
done
while IFS='|' read -r mutant test where what; do
	caught "$mutant" "$test" "$where" "$what"
done < <(table)
plan_done
