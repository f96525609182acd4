#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab compare and its exit status, on databases that were never booted for.
set -u
. "$(dirname "$0")/../lib/tap.sh"

DB=$TMP/test.db
"$TOP/tests/lib/fake-results.py" "$DB" <<END
base aaaaaaaaaaaa01 1 emulated switch=30000 vmptrld=800
good bbbbbbbbbbbb02 1 emulated switch=24000 vmptrld=800
base aaaaaaaaaaaa01 2 emulated switch=30003 vmptrld=801
good bbbbbbbbbbbb02 2 emulated switch=24002 vmptrld=800
bad  cccccccccccc03 1 emulated switch=30900 vmptrld=800
bad  cccccccccccc03 2 emulated switch=30903 vmptrld=800
odd  dddddddddddd04 1 emulated switch=30120 vmptrld=800
odd  dddddddddddd04 2 emulated switch=30160 vmptrld=800
twin aaaaaaaaaaaa01 1 emulated switch=30000 vmptrld=800
twin aaaaaaaaaaaa01 2 emulated switch=30003 vmptrld=801
real eeeeeeeeeeee05 1 tsc switch=900
END
compare() { "$NESTLAB" compare --db "$DB" "$@" 2>&1; }

out=$(compare base good)
is $? 0 "improved: exit status 0"
like "$out" 'switch +30,002 +24,001 +0\.800 +-20\.0 % .*improved' "the table shows the change"
like "$out" '^improved: good against base: 1 improved, 0 regressed' "one line says it all"
unlike "$out" $'\033' "no colour in a pipe"
[ "$(awk '{ gsub(/±/, "+"); if (length($0) > w) w = length($0) } END { print w + 0 }' <<<"$out")" -le 100 ]
ok $? "it fits into 100 columns"

out=$(compare base bad)
is $? 1 "regressed: exit status 1"
like "$out" 'regressed' "and it says so"

out=$(compare base odd)
is $? 125 "cannot tell: exit status 125"
like "$out" 'inconclusive, ~[0-9]+ more boots?' "with how many more boots would settle it"
like "$out" 'with new seeds: [^ ]*nestlab run \.\.\. --boots [0-9]+ --seed 3$' "and the first seed not used yet"

compare base twin >/dev/null
is $? 0 "the same kernel under two names: nothing changed"
out=$(compare base base)
is $? 0 "a kernel against itself"
like "$out" 'base/even against base/odd' "is split into halves"

out=$(compare base real)
is $? 128 "other clocks are refused"
like "$out" 'never compared' "with the reason"
out=$(compare base nobody)
is $? 128 "an unknown kernel is fatal"
like "$out" 'good \(bbbbbbbbbbbb\)' "and the known ones are listed"
compare base >/dev/null
is $? 129 "one kernel: usage"

is "$("$NESTLAB" report base good --db "$DB" --format json | jq -r .repeat | grep -c -- '--boots 1 --seed [12] ')" 2 \
	"a report names the seed of every boot"

"$NESTLAB" compare --db "$DB" base good >/dev/full 2>"$TMP/full"
is $? 128 "what could not be written is no answer"
like "$(cat "$TMP/full")" 'could not be written: No space left' "and says so"
compare base good --metric nosuch >/dev/null
is $? 125 "nothing to compare: cannot tell"
compare base good bad --metric nosuch >/dev/null
is $? 125 "nor of several"
"$TOP/${BUILD:-build}/tests/test_report_fixture" part "$TMP/part.db"
out=$("$NESTLAB" compare baseline nested-context --db "$TMP/part.db" --metric nosuch 2>&1)
like "$? $out" '^125 .*no metric in common' "that selftests are as they were is no answer to it"

compare base bbbbbbbb >/dev/null
is $? 0 "a key's first digits will do"

out=$(compare --json base good)
is $? 0 "--json"
python3 - "$out" <<'END'
import json, sys
c = json.loads(sys.argv[1])
assert c["base"] == "base" and c["new"] == "good" and c["clock"] == "emulated"
assert c["verdict"] == "improved"
assert [m["metric"] for m in c["metrics"]] == ["switch", "vmptrld"]
m = c["metrics"][0]
assert m["scenario"] == "multiplex" and m["params"]["l2_vcpus"] == 8
assert m["unit"] == "instructions" and m["better"] == "lower" and m["verdict"] == "improved"
assert m["base"]["boots"] == 2 and abs(m["base"]["median"] - 30001.5) < 1
assert m["interval"][0] < m["ratio"] < m["interval"][1] < 1
END
ok $? "has the promised shape"

out=$(compare --metric vmptrld base bad)
is $? 0 "--metric leaves the others out"
unlike "$out" 'switch' "of the table, too"
is "$(compare base good)" "$(compare base good)" "the same boots give the same text"

# ---- several kernels ----

out=$(compare base good odd bad)
is $? 1 "several kernels: the exit status is the worst"
like "$out" '^3 kernels against base:$' "one table for all"
like "$out" '^  metric +base +good +change +odd +change +bad +change$' "a column for each"
like "$out" '^  switch +30,002 +24,001 +-20\.0 % ✔ +30,140 +\+0\.5 % \? +30,902 +\+3\.0 % ✘$' "with its change against the first"
like "$out" '^regressed: bad: 0 improved, 1 regressed' "and a line for each at the end"
[ "$(awk '{ gsub(/±|✔|✘/, "+"); if (length($0) > w) w = length($0) } END { print w + 0 }' <<<"$out")" -le 80 ]
ok $? "it fits into 80 columns"
compare base good odd >/dev/null
is $? 125 "improved and inconclusive: cannot tell"
out=$(compare base good bad twin --json)
is $? 1 "several kernels, --json"
is "$(jq -c '[.kernels, .verdict, .judged_together, [.pairs[] | [.base, .new, .verdict]]]' <<<"$out")" \
	'[["base","good","bad","twin"],"regressed",12,[["base","good","improved"],["base","bad","regressed"],["base","twin","unchanged"]]]' \
	"has all pairs"
# ---- a report of them ----

report() { "$NESTLAB" report --db "$DB" "$@" 2>&1; }
out=$(report base good odd bad)
is $? 1 "a report of several kernels: the exit status is the worst"
like "$out" '^  switch +30,002 +24,001 +-20\.0 % ✔ +30,140 +\+0\.5 % \? +30,902 +\+3\.0 % ✘$' "has the table"
like "$out" '^multiplex, instructions: l1 micro-vmx' "under what is the same in it"
like "$out" 'content key: cccccccccccc03' "the kernels by their keys"
like "$out" "^    .*nestlab report base odd --db $DB\$" "and the command of each pair's own report"
report base good odd bad --format html >"$TMP/page.html"
xmllint --nonet --noout "$TMP/page.html"
is $? 0 "the page is well-formed"
is "$(xmllint --nonet --xpath "count(//*[local-name()='td'][contains(., '20.0 %')])" "$TMP/page.html")" 1 "and has the table"
like "$(report base good odd bad --format markdown)" '^\| switch \| 30,002 \| 24,001 \| ✔ -20\.0 % \|' "so has Markdown, with one sign each"
out=$(report base good odd bad --format json)
is "$(jq -c '[.kernels, .verdict, (.pairs | length), (.database | has("seals")), (.reports | split("\n") | length)]' <<<"$out")" \
	'[["base","good","odd","bad"],"regressed",3,true,5]' "JSON has all pairs, the database and the reports' commands"
out=$(report base good odd --format junit)
is $? 129 "a format of two kernels refuses three"
like "$out" 'junit tells of two kernels only; text, html, markdown and json' "and names those that take them"
out=$(report base good nobody)
like "$out" 'nobody: no run of a kernel of that name' "an unknown kernel is named"

out=$(compare base good odd good)
is $? 129 "a kernel twice: usage"
out=$(compare base good real)
is $? 128 "other clocks are refused in a table, too"
out=$(compare base good nobody)
like "$out" 'nobody: no run of a kernel of that name' "an unknown one is named"
is "$("$NESTLAB" compare base good odd --print-request)" \
	'{"base":"base","new":"good","others":["odd"],"request":"compare"}' "the request has a list"
echo '{"base":"base","new":"bad"}' >"$TMP/old.json"
compare --request "$TMP/old.json" >/dev/null
is $? 1 "a request without the list is carried out as ever"
echo '{"base":"base","new":"good","others":["odd","base"]}' >"$TMP/twice.json"
out=$(compare --request "$TMP/twice.json")
is $? 129 "a request with a kernel twice"
like "$out" 'twice\.json: \$\.others: base is there twice' "names file and path"

# ---- many boots: the cost grows with them, not with their square ----

# cpu BOOTS: the CPU milliseconds of comparing so many boots of each, which had the same four seeds in turn
cpu() {
	local user system
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
		printf "a aa %d emulated x=%d\nb bb %d emulated x=%d\n", i % 4, 90000 + i * 7919 % 9973, i % 4, 90000 + i * 7907 % 9967
	}' >"$TMP/boots"
	rm -f "$TMP"/many.db*
	"$TOP/tests/lib/fake-results.py" "$TMP/many.db" <"$TMP/boots"
	read -r user system < <(TIMEFORMAT='%U %S'; { time "$NESTLAB" compare a b --db "$TMP/many.db" >/dev/null 2>&1; } 2>&1)
	awk -v u="$user" -v s="$system" 'BEGIN { print int(1000 * (u + s)) }'
}
few=$(cpu 250) many=$(cpu 2000)
[ "$many" -lt $((few * 24)) ]
ok $? "eight times the boots take about eight times the time ($few ms, $many ms)"

# ---- boots that failed ----

# stored KERNEL KEY BOOTS STATUS CLASS: so many boots more of it, without numbers
stored() {
	for _ in $(seq "$3"); do
		sqlite3 "$DB" "INSERT INTO run (kernel_name, kernel_key, agent_sha256, scenario_name,
			host_name, host_identity, session, boot, seed, started, wall_seconds, status, class,
			error) VALUES ('$1', '$2', 'agent', 'quick', 'emulated', 'emulated', 's1', 1, 99,
			'2026-11-23T20:00:00Z', 9, '$4', $5, 'kernel panic')"
	done
}
stored panics ffffffffffff06 2 fail "'guest'"
out=$(compare base panics)
is $? 125 "2 of 2 boots died, 0 of 2 of the base: cannot tell"
like "$out" 'quick: 2 of 2 boots failed, with the base 0 of 2: too few boots' "and the row says why"
like "$out" '^more boots, with new seeds: [^ ]*nestlab run \.\.\. --boots 1 ' "one more of each would do"
stored base aaaaaaaaaaaa01 2 pass NULL
compare base panics >/dev/null
is $? 125 "2 of 2 against 0 of 4 of the base: p 1/15, cannot tell"
stored panics ffffffffffff06 1 fail "'guest'"
out=$(compare base panics)
is $? 1 "3 of 3 against 0 of 4: regressed"
like "$out" '^regressed: ' "and the last line says so"
stored base aaaaaaaaaaaa01 1 fail "'guest'"
compare base good >/dev/null
is $? 0 "what only the base failed is no regression"

out=$(compare base good --session s7)
is $? 128 "a session that is not there is fatal"
like "$out" 'base: no run .* in session s7 of .*; it holds no run at all' "and is named: the kernel is there"

plan_done
