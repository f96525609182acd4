# SPDX-License-Identifier: GPL-2.0-only
# mutants.sh - after tap.sh: boots mutants of the nested-context series (tests/mutants/README.md) and
# looks for the messages of the selftest that catches them. One test program per selftest, so that
# they run side by side.
#
# VARIANT=preempt: mutants of nested-context-preempt (docs/kernels.md). CPUS=4: all of them on a host with
# so many. MUTANTS="never-evict stale-node": these alone.

catches=0 series=nested-context${VARIANT:+-$VARIANT}

# boot_pair DB TEST KERNEL [KERNEL] [OPTION...]: one boot of each. The second kernel is built while the
# first boots.
boot_pair() {
	"$NESTLAB" run "$TMP/$2.json" "${@:3}" --boots 1 --db "$1" >/dev/null 2>>"$TMP/err"
}

# patient_host: a host with CPUS of them that takes a boot for hung after 40 s without a word; some mutants hang the host. What
# the emulator waited for a processor doesn't count, and an agent says every two seconds of its clock that it is alive.
patient_host() {
	echo "{\"driver\":\"emulated\",\"cpus\":${CPUS:-1},\"progress_limit_s\":40}" >"$TMP/host.json"
	echo "$TMP/host.json"
}

# on_variant FILE: the mutant or past bug FILE, or a copy of it on VARIANT's kernel
on_variant() {
	local file=$1
	if [ -n "${VARIANT:-}" ]; then
		file=$TMP/$(basename "$1")
		jq --arg from "$(realpath "$(dirname "$1")")" --arg variant "$VARIANT" \
			'.base += "-\($variant)" | .patches |= "\($from)/\(.)"' "$1" >"$file"
	fi
	echo "$file"
}

# variant_of MUTANT: its file, on top of the series that is looked at
variant_of() { on_variant "$TOP/tests/mutants/$1.json"; }

# wanted_lines: those of the table on stdin whose mutant MUTANTS names
wanted_lines() {
	local line
	while IFS= read -r line; do
		case " ${MUTANTS:-${line%%|*}} " in *" ${line%%|*} "*) echo "$line" ;; esac
	done
}

# is_caught DB MUTANT TEST WHERE REGEX
is_caught() {
	local text query="SELECT error FROM run WHERE kernel_name = '$2'"
	[ "$4" = console ] || query="SELECT text FROM test JOIN run ON run.id = test.run
		WHERE kernel_name = '$2' AND name = '$3' AND result = 'fail'"
	text=$(sqlite3 "$1" "$query")
	is "$(sqlite3 "$1" "SELECT status FROM run WHERE kernel_name = '$2'")" fail "$2: its run failed"
	like "$text" "$5" "$2: caught by $3: $(grep -oE -m1 -- ".{0,60}$5.{0,40}" <<<"$text")"
}

# catch TEST LIMIT_S [HOST]: the series passes TEST and each mutant of the table on stdin fails it.
# LIMIT_S: seconds of the emulated clock that the selftest may take. A line of the table:
#
#	mutant | where: output or console | what it says (extended regular expression)
catch() {
	local test=$1 db=$TMP/$((++catches)).db host mutant where what i
	local table kernels=("--kernel=$series")
	host=--host=${3:-$(patient_host)}
	mapfile -t table < <(wanted_lines)
	[ ${#table[@]} -gt 0 ] || return 0
	for mutant in "${table[@]%%|*}"; do
		kernels+=("--kernel=$(variant_of "$mutant")")
	done
	echo "{\"scenarios\":[{\"scenario\":\"kselftest\",\"test\":\"$test\",\"time_limit_s\":$2}]}" \
		>"$TMP/$test.json"
	for ((i = 0; i < ${#kernels[@]}; i += 2)); do
		boot_pair "$db" "$test" "${kernels[@]:i:2}" "$host"
	done
	is "$(sqlite3 "$db" "SELECT status FROM run WHERE kernel_name = '$series'")" pass \
		"$series passes${3:+ on $3}"
	is "$(sqlite3 "$db" "SELECT name FROM test JOIN run ON run.id = test.run
		WHERE result = 'pass' AND kernel_name = '$series'")" "$test" "$test"
	while IFS='|' read -r mutant where what; do
		is_caught "$db" "$mutant" "$test" "$where" "$what"
	done < <(printf '%s\n' "${table[@]}")
}

tell_errors() {
	[ $TAP_FAILED -eq 0 ] || { echo "# what nestlab said:"; sed 's/^/#   /' "$TMP/err"; }
}
