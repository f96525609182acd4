#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# mutants.sh [KERNEL.json...]: which plan catches which wrong kernel?
#
# Boots each mutant of the series (tests/mutants) and each past bug (tests/past-bugs), or those named, once with
# each of the plans below, and prints a table: what caught it, or "-". A kernel that passes is compared with the
# right one: "slower" says how many of its metrics are beyond the smallest effect that matters.
#
#	micro   quick's measurements with micro-hypervisors as L1
#	quick   quick's measurements with a Linux L1
#	linux   mutants-linux.json: what else a Linux L1 does
#	moves   mutants-moves.json: a Linux L1 in QEMU is saved and restored; only if PLANS says so
#	series  mutants-series.json: what a Linux L1 does to the lines that the series changed, in a third of linux' time; likewise
#
# PLANS="micro linux" takes these alone. All boots are kept in DIR (default: mutants in the build folder), a database for
# each plan. Started again, it goes
# on where it stopped; a kernel that is no longer the same is booted again. VARIANT=preempt: on the kernels of that name
# (docs/kernels.md), in a folder of their own. Fails if a kernel did not boot, which is no
# answer, or if the right one does not pass.
DIR=${DIR:-${BUILD:-build}/mutants${VARIANT:+-$VARIANT}}
. "$(dirname "$0")/../lib/bench.sh"
TOP=$PWD TMP=$dir
. tests/lib/mutants.sh
"$nestlab" kernel show "$series" >/dev/null || exit 1
read -ra plans <<<"${PLANS:-micro quick linux}"
jq 'del(.scenarios[] | select(.l1 == "linux-kvm"))' scenarios/quick.json >"$dir/micro.json"
jq 'del(.scenarios[] | select(.l1 != "linux-kvm"))' scenarios/quick.json >"$dir/quick.json"
for plan in linux moves series; do cp "tests/bench/mutants-$plan.json" "$dir/$plan.json"; done

key_of() { "$nestlab" kernel show "$1" --json | jq -r '.. | .key? // empty' | head -1; }

# boot PLAN KERNEL: unless this very kernel was
boot() {
	local db=$dir/$1.db key
	key=$(key_of "$2")
	[ -n "$key" ] && [ -e "$db" ] &&
		[ "$(sqlite3 "$db" "SELECT count(*) FROM run WHERE kernel_key = '$key'")" -gt 0 ] && return
	echo "# $(date +%T) $1 $(basename "$2" .json)" >&2
	"$nestlab" run "$dir/$1.json" --kernel "$2" --boots 1 --db "$db" >"$dir/log" 2>&1
	[ $? -lt 2 ] || tail -3 "$dir/log" >&2
}

# status_of PLAN NAME: of its last boot; nothing, if there was none
status_of() {
	sqlite3 -readonly "$dir/$1.db" "SELECT status FROM run WHERE kernel_name = '$2' ORDER BY id DESC LIMIT 1" 2>/dev/null
}

# cell PLAN KERNEL RIGHT: what the table says
cell() {
	local db=$dir/$1.db name
	name=$(basename "$2" .json)
	case $(status_of "$1" "$name") in
	fail)
		sqlite3 "$db" "SELECT class || ': ' || replace(replace(substr(error, 1, 150), char(10), ' '), '|', '/')
			FROM run WHERE kernel_name = '$name' ORDER BY id DESC LIMIT 1"
		;;
	pass)
		"$nestlab" compare "$3" "$name" --db "$db" --json 2>/dev/null | jq -r \
			'[.metrics[] | select(.headline and .verdict == "regressed")] | length |
			if . > 0 then "slower: \(.)" else "-" end'
		;;
	*) echo "did not boot" ;;
	esac
}

# table RIGHT KERNEL...
table() {
	local right=$1 kernel plan line
	for plan in "${plans[@]}"; do
		boot "$plan" "$right"
		[ "$(status_of "$plan" "$right")" = pass ] && continue
		echo "FAILED: $right itself does not pass $plan" >&2
		failed=1
	done
	for kernel in "${@:2}"; do
		line="| $(basename "$kernel" .json) |"
		for plan in "${plans[@]}"; do
			boot "$plan" "$kernel"
			line+=" $(cell "$plan" "$kernel" "$right") |"
		done
		echo "$line"
		[[ $line != *"| did not boot |"* ]] || failed=1
	done
}

mutants=() bugs=()
[ $# -gt 0 ] || set -- tests/mutants/*.json tests/past-bugs/*.json
for kernel; do
	case $(jq -r .base "$kernel") in
	nested-context) mutants+=("$(on_variant "$kernel")") ;;
	*) bugs+=("$(on_variant "$kernel")") ;;
	esac
done
printf '| %s ' kernel "${plans[@]}"
printf '|\n'
printf '| --- %.0s' kernel "${plans[@]}"
printf '|\n'
[ ${#mutants[@]} -eq 0 ] || table "$series" "${mutants[@]}"
[ ${#bugs[@]} -eq 0 ] || table "baseline${VARIANT:+-$VARIANT}" "${bugs[@]}"
exit $failed
