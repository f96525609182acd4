#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Flat binaries as kvm-unit-tests makes them, from a folder of the user's, on the emulated host: each subtest is a result,
# and one that fails, hangs, dies or prints what it likes costs its own results only.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }
run() { "$NESTLAB" run "$TMP/$1.json" --kernel baseline --boots 1 --db "$db" 2>"$TMP/err"; }
flats=$TMP/kvm-unit-tests/x86
mkdir -p "$flats"
make_flat() { # make_flat DOES
	cc -c "-DDOES_${1^^}" "$TOP/tests/fixtures/flats/flat.S" -o "$TMP/a.o" &&
		ld -N --no-warn-rwx-segments -Ttext=0x400000 -e start "$TMP/a.o" -o "$TMP/a.elf" &&
		objcopy -O elf32-i386 "$TMP/a.elf" "$flats/$1.flat"
}
for does in pass fail skip hang die hostile; do make_flat "$does"; done
printf '\x7fELF' >"$flats/broken.flat"

# ---- said before anything is booted ----

echo '{ "scenarios": [ { "scenario": "kvm-unit-test", "test": "pass.flat" } ] }' >"$TMP/nowhere.json"
run nowhere >/dev/null
is $? 128 "flat binaries of no folder: a fatal error"
like "$(cat "$TMP/err")" '"flats" has to name the folder' "that says what is missing"
echo '{ "flats": "kvm-unit-tests/x86", "scenarios": [ { "scenario": "kvm-unit-test", "test": "vmx.flat" } ] }' >"$TMP/gone.json"
run gone >/dev/null
is $? 128 "one that is not in the folder, too"
like "$(cat "$TMP/err")" 'kvm-unit-tests/x86/vmx.flat: No such file' "with its path"

# ---- one boot ----

cat >"$TMP/flats.json" <<-'EOF'
	{ "flats": "kvm-unit-tests/x86", "scenarios": [
	  { "scenario": "kvm-unit-test", "test": "pass.flat", "arguments": [["vmx_*", "-x"]] },
	  { "scenario": "kvm-unit-test", "test": ["fail.flat", "skip.flat", "die.flat", "hostile.flat", "broken.flat"] },
	  { "scenario": "kvm-unit-test", "test": "hang.flat", "time_limit_s": 5 },
	  { "scenario": "kvm-unit-test", "test": "pass.flat" } ] }
EOF
run flats >"$TMP/out"
is $? 1 "some fail: the run failed"
like "$(cat "$TMP/err")" 'selftest fail.flat: the second failed \(it printed FAIL\)' "the first failure is told"
results() { sql "SELECT name || ' ' || result FROM test WHERE name LIKE '$1.flat%' ORDER BY rowid"; }
is "$(results pass)" "pass.flat: one: pass.flat vmx_* -x pass
pass.flat: one: NR_CPUS=1 pass
pass.flat pass
pass.flat: one: pass.flat pass
pass.flat: one: NR_CPUS=1 pass
pass.flat pass" "command line, environment, memory, test device and fw_cfg are what kvm-unit-tests expects"
is "$(results fail)" "fail.flat: the first pass
fail.flat: the second fail
fail.flat: the third skip
fail.flat fail" "each line is a result"
like "$(sql "SELECT text FROM test WHERE name = 'fail.flat'" | tr '\n' ' ')" \
	'PASS: the first.*FAIL: the second.*exit code 1; subtests: 1 failed, 1 passed, 1 skipped' "the whole has the output"
is "$(results skip)" "skip.flat: the third skip
skip.flat skip" "one that skipped everything is skipped"
is "$(results die)" "die.flat: the first pass
die.flat fail" "a triple fault is a failure, and what passed before is kept"
like "$(sql "SELECT text FROM test WHERE name = 'die.flat'")" 'the guest had a triple fault' "that is said"
is "$(results hang)" "hang.flat: the first pass
hang.flat fail" "one that hangs, too"
like "$(sql "SELECT text FROM test WHERE name = 'hang.flat'")" 'no end within 5 s' "with its limit"
is "$(sql 'SELECT count(*) FROM run WHERE scenario_name = "flats"')" 1 "all of it is one run"
like "$(sql "SELECT result || ' ' || text FROM test WHERE name = 'broken.flat'")" 'fail broken.flat: it is no ELF file' \
	"a file that cannot be booted is told as what it is"
is "$(sql 'SELECT status || " " || class FROM run')" "fail integrity" "none of that is the machine's trouble"
is "$(results hostile | grep -c ' pass$')" 5 "hostile text makes no results but of lines that are some"
is "$(sql 'SELECT max(length(name)) < 300 FROM test')" 1 "its names are cut"
for format in text ktap html csv; do
	"$NESTLAB" report baseline --format "$format" --db "$db" >"$TMP/report" 2>/dev/null
	grep -qaP '\x1b\[31m' "$TMP/report"
	is $? 1 "$format: no escape of the guest's gets out"
done
grep -qaP '\x1b\[31m' "$TMP/err" "$TMP/out"
is $? 1 "nor in what the run says"

plan_done
