#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Reports and sign-offs from made-up databases, read back by the programs that others read them with.
set -u
. "$(dirname "$0")/../lib/tap.sh"
make_db=$TOP/${BUILD:-build}/tests/test_report_fixture
[ -x "$make_db" ] || skip_all "$make_db is not built (make unit-programs)"
cd "$TMP" || exit 1
NAME=nested-context

for kind in better regressed part one-boot wrong known hostile huge; do
	"$make_db" "$kind" "$kind.db" || exit 1
done
report() { # report KIND FORMAT NEW: into KIND.FORMAT; sets status
	"$NESTLAB" report baseline "$3" --db "$1.db" --format "$2" -o "$1.$2"
	status=$?
}
evil=$(sqlite3 hostile.db "SELECT substr(kernel_key, 1, 12) FROM run WHERE kernel_name != 'baseline' LIMIT 1")

# ---- every format, on runs that are better, worse and malicious ----

for format in text html csv json ktap junit kcidb email; do
	report better $format $NAME
	is $status 0 "$format: an improvement exits 0"
	report regressed $format $NAME
	is $status 1 "$format: a regression exits 1"
	report hostile $format "$evil"
	is $status 1 "$format: names that try to break out change nothing"
done

# ---- an auditor compares the head of the seals ----

head=$("$NESTLAB" db head --db better.db | sed -n 's/.*: \([0-9]*\) seals, head \([0-9a-f]\{64\}\)$/\1:\2/p')
like "$head" '^[0-9]+:[0-9a-f]{64}$' "a database has a head"
report better markdown $NAME
for format in text html markdown csv ktap junit kcidb email; do
	ok "$(tr -d "\n\\\\" <better.$format | grep -q "${head#*:}"; echo $?)" "$format: it is in the report"
done
is "$(jq -r '"\(.database.seals):\(.database.head)"' better.json)" "$head" "json: with the count"
"$NESTLAB" report signoff --policy quick --base baseline --new $NAME --db better.db -o audited >/dev/null
for page in signoff.html signoff.txt; do
	grep -q "${head#*:}" audited/$page
	ok $? "and in $page"
done
"$NESTLAB" report signoff --policy quick --base baseline --new nobody --db better.db -o audited >/dev/null
is "$? $(grep -q "${head#*:}" audited/signoff.txt; echo $?)" "125 0" "of a blocked sign-off, too"

# ---- JUnit and HTML are well-formed ----

for kind in better regressed hostile; do
	for format in junit html; do
		xmllint --nonet --noout "$kind.$format"
		ok $? "$format of $kind is well-formed XML"
	done
	! grep -q $'\x1b\|<script' "$kind.html" "$kind.junit"
	ok $? "$kind: no script and no escape sequence got through"
done
# (an XML namespace is a name, not an address that is fetched)
is "$(sed 's|xmlns="[^"]*"||g' better.html | grep -cE '(src|href)="[^d]|@import|url\([^#]|https?://')" 0 \
	"the page refers to nothing outside itself"
count() { xmllint --xpath "string($2)" "$1"; }
is "$(count regressed.junit 'count(//testcase)')" "$(count regressed.junit 'sum(//@tests)')" \
	"JUnit counts its test cases"
is "$(count regressed.junit 'count(//failure[@type="regressed"])')" 6 \
	"the six metrics of unmanaged memory are JUnit failures"
is "$(count regressed.junit 'count(//failure)')" "$(count regressed.junit 'sum(//@failures)')" \
	"JUnit counts its failures"

# ---- JUnit is what Jenkins and Ant take ----

report huge junit $NAME
report wrong junit $NAME
report known junit $NAME
for schema in jenkins ant; do
	for kind in better regressed wrong known hostile huge; do
		out=$(xmllint --nonet --noout --schema "$TOP/tests/fixtures/junit/$schema.xsd" $kind.junit 2>&1)
		is $? 0 "JUnit of $kind is valid by the schema of $schema"
		sed '/ validates$/d; s/^/# /' <<<"$out"
	done
	sed 's/<testsuites/& skipped="1"/' wrong.junit >invalid.junit
	! xmllint --nonet --noout --schema "$TOP/tests/fixtures/junit/$schema.xsd" invalid.junit 2>/dev/null
	ok $? "which refuses testsuites with an attribute that it does not know"
done
is "$(count wrong.junit 'concat(//testsuite/@timestamp, " ", //testsuite/@hostname)')" \
	"2026-11-23T21:00:00 localhost" "JUnit has the time and the machine"
is "$(count wrong.junit 'concat(sum(//testsuite/@time), " ", sum(//testcase/@time))')" "58 58" \
	"and the wall time of the new kernel's four boots, once"
cp better.db machine.db # the machine is known where the boots' environment has it
sqlite3 machine.db "DROP TRIGGER run_fixed; UPDATE run SET
	environment = json_set(environment, '$.machine', 'lab-7')"
report machine junit $NAME
is "$(count machine.junit 'string(//testsuite/@hostname)')" lab-7 "the machine by its name"

# ---- what is huge is cut, and said to be ----

for format in ktap kcidb email; do
	report huge $format $NAME
done
like "$(count huge.junit 'string(//failure[@type="failed"][2]|//testcase[@name="vmx_tsc_adjust_test"]/failure)')" \
	' \.\.\. \([0-9]+ bytes more\)$' "JUnit says how much it cut off"
ok "$([ "$(wc -c <huge.junit)" -lt 40000 ]; echo $?)" "and is small"
! grep -q '�' huge.junit huge.ktap huge.email
ok $? "no character is cut in two"
like "$(jq -r '.tests[] | select(.path | endswith("vmx_tsc_adjust_test")) | .log_excerpt // ""' huge.kcidb)" \
	' \.\.\. \([0-9]+ bytes more\)$' "KCIDB has the beginning of a log, not none of it"
is "$(jq '[.tests[].log_excerpt // "" | utf8bytelength | select(. > 16384)] | length' huge.kcidb)" 0 \
	"within the schema's limit"
is "$(LC_ALL=C awk 'length > 998' huge.email hostile.email | wc -l)" 0 "a mail's lines are within RFC 5322's limit"

svgs() { xmllint --xpath "count(//*[local-name()='svg'])" "$1"; }
is "$(svgs better.html)" 13 "a forest, a figure over vCPUs, eleven distributions"
is "$(xmllint --xpath "count(//*[local-name()='svg'][*[local-name()='title']][*[local-name()='desc']][@role='img'])" better.html)" \
	13 "every figure has title, description and role"
is "$(xmllint --xpath "count(//*[local-name()='table'][not(*[local-name()='caption'])])" better.html)" \
	0 "every table has a caption"
is "$(xmllint --xpath "count(//@id)" better.html)" \
	"$(grep -oE ' id="[^"]*"' better.html | sort -u | wc -l)" "ids are unique"

xpath() { xmllint --xpath "$2" "$1"; }
is "$(xpath better.html "count(//*[local-name()='th'][not(@scope)])")" 0 "every table header has a scope"
is "$(xpath better.html "string(/*/@lang)")" en "the page names its language"
is "$(xpath better.html "count(//*[local-name()='h1'])")" 1 "one heading is the first"
is "$(xpath better.html "string(//*[local-name()='h1']/following-sibling::*[1]/@class)")" \
	"verdict good" "and the verdict follows it"
is "$(xpath better.html "count(//*[local-name()='svg']//*[local-name()='text'][contains(., 'clock: ')])")" \
	13 "every figure's axis names the clock"

# ---- KTAP, by prove ----

prove -q -e cat better.ktap >prove.out 2>&1
ok $? "prove passes the KTAP of an improvement"
prove -q -e cat regressed.ktap >prove.out 2>&1
is $? 1 "prove fails the KTAP of a regression"
like "$(cat prove.out)" 'Failed 6/14 subtests' "and finds six failures of fourteen"
is "$(head -1 better.ktap)" "KTAP version 1" "it begins as KTAP does"
prove -e cat hostile.ktap >prove.out 2>&1
unlike "$(cat prove.out)" 'Parse errors' "prove finds no parse error with hostile names"
is "$(grep -c '^not ok [^#]*$' hostile.ktap)" "$(grep -c '^not ok' hostile.ktap)" \
	"a name cannot make a failure a SKIP"
like "$(cat better.ktap)" '^ok [0-9]+ kselftest: vmx_posted_intr_test # SKIP posted interrupts' \
	"a skipped selftest is a SKIP with its reason"
"$NESTLAB" report baseline $NAME --db wrong.db --format ktap >wrong.ktap
is $? 1 "a failed boot exits 1"
like "$(cat wrong.ktap)" '^not ok [0-9]+ boots: boots of nested-context' "and is not ok"
like "$(cat wrong.ktap)" '^not ok [0-9]+ kselftest: vmx_tsc_adjust_test' "as is its selftest"

"$NESTLAB" report baseline $NAME --db known.db --format ktap >known.ktap
is $? 0 "what fails with the base too is no regression"
is "$(grep -c '^ok .* # XFAIL fails with the base too: ' known.ktap)" 2 \
	"the boots and the selftest are expected failures"
prove -q -e cat known.ktap >prove.out 2>&1
ok $? "which prove lets pass"

# The rules of tools/testing/kunit/kunit_parser.py: what ends the results, begins a subtest, is a result.
is "$(LC_ALL=C awk 'length > 511' huge.ktap hostile.ktap better.ktap | wc -l)" 0 "KTAP lines are below 512 bytes"
is "$(grep -cE 'List of all partitions:|Kernel panic - not syncing: VFS:|reboot: System halted' huge.ktap)" 0 \
	"what a test printed does not end the results for kunit"
is "$(grep -cE '^[[:space:]]*# Subtest: ' huge.ktap)" 0 "nor begin a subtest"
is "$(grep -cE '^[[:space:]]*(ok|not ok) [0-9]+ (- )?[^#]*( # .*)?$' huge.ktap)" 14 "all fourteen results are there"
like "$(cat huge.ktap)" '^# .* \.\.\. \([0-9]+ bytes more\)$' "and what is cut is said"
prove -e cat huge.ktap >prove.out 2>&1
unlike "$(cat prove.out)" 'Parse errors' "prove finds no parse error"

# ---- KCIDB, CSV and JSON, by python ----

python3 "$TOP/tests/lib/kcidb.py" better.kcidb hostile.kcidb huge.kcidb regressed.kcidb >py.out 2>&1
is "$? $(head -5 py.out)" "0 " "KCIDB: all is as its schema 5.3 has it"
is "$(jq -c '[(.checkouts, .builds | length), (.tests | map(select(.number)) | length)]' better.kcidb)" "[2,2,22]" "each kernel with its build and numbers"
is "$(jq '[.tests[].id, .builds[].id | test("^nestlab:[A-Za-z0-9-]+$")] | all' hostile.kcidb)" true "ids are words, whatever names there are"
cp better.db config.db
sqlite3 config.db "DROP TRIGGER run_fixed; UPDATE run SET source_hash = 'one', patches_hash = 'one'"
report config kcidb $NAME
is "$(jq -c '[.checkouts, .builds | length]' config.kcidb) $(python3 "$TOP/tests/lib/kcidb.py" config.kcidb)" "[1,2] " \
	"kernels that differ in their config alone have one checkout"

boots_in() { jq -r '[.tests[] | select(.path == "nestlab.boots") | .status] | join(" ")' "$1"; }
is "$(boots_in better.kcidb)" PASS "KCIDB: the new kernel's boots passed"
report wrong kcidb $NAME
is "$(boots_in wrong.kcidb)" FAIL "KCIDB: one of the new kernel's boots failed"

python3 - >py.out 2>&1 <<'PY'
import csv, json
rows = list(csv.DictReader(open("better.csv", newline="")))
doc = json.load(open("better.json"))
assert len(rows) == len(doc["metrics"]) == 11
for row, m in zip(rows, doc["metrics"]):
    params = {k[6:]: v for k, v in row.items() if k.startswith("param_") and v}
    assert row["metric"] == m["metric"] and "params" not in row
    assert params == {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in m["params"].items()}
    assert abs(float(row["ratio"]) - m["ratio"]) < 1e-6 and row["verdict"] == m["verdict"]
evil = [r for r in csv.DictReader(open("hostile.csv", newline="")) if r["metric"] != "switch"]
assert len(evil) == 1 and "\nnext" in evil[0]["metric"] and '"x"' in evil[0]["metric"], evil
assert None not in evil[0]
assert doc["kernels"]["new"]["name"] == "nested-context" and len(doc["boots"]) == 6
assert "nestlab run quick --kernel baseline --kernel nested-context --boots 3" in doc["repeat"]
assert {t["name"]: t["new"] for t in doc["tests"]}["vmx_tsc_adjust_test"] == "pass"
PY
ok $? "CSV and JSON say the same; hostile names stay in their fields"
is "$(jq -r '"\(.verdict) \(.metrics | length)"' hostile.json)" "regressed 11" \
	"bytes that are no UTF-8 cost the JSON nothing but themselves"
sed 's/^/# /' py.out

# ---- email ----

mail=$(cat regressed.email)
like "$mail" '^Subject: \[nested-context\] feed00000000: multiplex\.switch 3\.4 % regression$' \
	"the subject says what, where and how much"
like "$mail" '^\| Reported-by: .+ <.+@.+>$' "Reported-by"
like "$mail" '^\| Closes: https://' "Closes"
like "$mail" '30,327 ± +0\.0 % +\+3\.4 % +31,361 ± +0\.0 % +multiplex\.switch$' "the two-column table"
like "$mail" '	memory: unmanaged' "the parameters"
unlike "$(cat better.email)" 'Closes' "an improvement closes nothing"
is "$(sed '/^$/q' hostile.email | grep -cvE '^([A-Z][A-Za-z-]*: .*| =\?utf-8\?Q\?[=0-9A-F]+\?=)?$')" 0 \
	"a hostile name cannot start a header of its own"
is "$(grep -c '^next' hostile.email hostile.ktap hostile.text)" \
	"hostile.email:0
hostile.ktap:0
hostile.text:0" "nor a line"
like "$("$NESTLAB" report baseline $NAME --db regressed.db --format email \
	--reporter 'Lab <lab@example.org>' --url https://example.org/r/1)" \
	'Closes: https://example.org/r/1' "--url says where it can be read"

like "$mail" '^Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} \+0000$' "a date"
is "$("$NESTLAB" report baseline $NAME --db regressed.db --format email --reporter \
	'Zoë Ångström of the very long named laboratory für Virtualisierung <z@example.org>' | python3 -c '
import email, email.header, email.utils, sys
raw = email.message_from_bytes(sys.stdin.buffer.read())["From"]
print(email.header.make_header(email.header.decode_header(raw)), email.utils.parseaddr(raw)[1])')" \
	'Zoë Ångström of the very long named laboratory für Virtualisierung <z@example.org> z@example.org' \
	"what is not ASCII in a header is encoded"
is "$(sed '/^$/q' hostile.email | LC_ALL=C grep -c '[^ -~]')" 0 "in every mail's headers"

# ---- a part that regressed decides nothing, in no format ----

for format in text html ktap junit kcidb email; do
	report part $format $NAME
	is $status 0 "$format: a part that regressed exits 0"
done
like "$(sed -n 4,8p part.text)" '^IMPROVED: .*none regressed' "text: improved"
like "$(tr -s ' \n' ' ' <part.text)" 'Their parts, .*: 0 improved, 1 regressed' "and the part is counted apart"
like "$(cat part.html)" '>regressed \(part\)<' "html: its row says that it is a part"
is "$(grep -c '^not ok' part.ktap)" 0 "KTAP: nothing fails"
like "$(cat part.ktap)" '^ok [0-9]+ multiplex: switches-per-mclk .* # SKIP a part, .*regressed' "and its why is told"
is "$(count part.junit 'sum(//@failures)')" 0 "JUnit: nothing fails"
is "$(jq -r '[.tests[] | select(.path == "nestlab.multiplex.switches-per-mclk") | .status] | join(" ")' \
	part.kcidb)" "DONE DONE" "KCIDB: DONE, not FAIL"
like "$(cat part.email)" '^Subject: .*multiplex.switch 14\.0 % improvement' "email: the news is what decides"
unlike "$(cat part.email)" 'Reported-by' "there is nothing to fix"
like "$(sed -n '/^Parts of these/,$p' part.email)" '-9\.1 % .*switches-per-mclk$' "the part stands at the end"

# ---- sign-off: PASS, waived, expired, BLOCKED, FAIL ----

policy() { # policy FILE MORE
	cat >"$1" <<-JSON
	{ "required_boots": 2,
	  "rules": [ { "scenario": "multiplex", "metric": "switch", "allowed_change": 1.0 },
		{ "scenario": "multiplex", "metric": "switch", "params": { "memory": "managed" },
		  "allowed_change": 2 } ],
	  "debug_runs": [ { "kernel": "nested-context-debug", "scenario": "quick" } ],
	  "selftests": [ "vmx_tsc_adjust_test" ] $2 }
	JSON
}
waiver() { echo ", \"waivers\": [ { \"scenario\": \"multiplex\", \"metric\": \"switch\",
	\"reason\": \"known\", \"owner\": \"Ada <ada@example.org>\", \"expires\": \"$1\" } ]"; }
policy plain.json ""
policy waived.json "$(waiver 2999-12-31)"
policy expired.json "$(waiver 2020-12-31)"
signoff() { # signoff KIND POLICY STATUS WORD NAME
	"$NESTLAB" report signoff --policy "$2" --base baseline --new $NAME --db "$1.db" \
		-o "so-$1-$2" >so.out 2>&1
	is $? "$3" "$5: exit status $3"
	like "$(head -1 so.out)" "^$4:" "$5: says $4"
	like "$(sed -n 4p "so-$1-$2/signoff.txt")" "^$4: " "$5: the text begins with it"
	xmllint --nonet --noout "so-$1-$2/signoff.html"
	ok $? "$5: the page is well-formed"
}
signoff better plain.json 0 PASS "all there"
is "$(xmllint --xpath "count(//@id)" so-better-plain.json/signoff.html)" \
	"$(grep -oE ' id="[^"]*"' so-better-plain.json/signoff.html | sort -u | wc -l)" \
	"two rules about one metric draw it once"
signoff regressed waived.json 0 PASS "a regression with a waiver"
like "$(cat so-regressed-waived.json/signoff.txt)" 'waived by Ada .* until 2999-12-31: known' \
	"the waiver's owner, date and reason are told"
signoff regressed expired.json 1 FAIL "a regression with an expired waiver"
like "$(cat so-regressed-expired.json/signoff.txt)" 'expired on 2020-12-31' "which is told"
signoff one-boot plain.json 125 BLOCKED "missing boots"
like "$(cat so-one-boot-plain.json/signoff.txt)" 'required of each kernel: 2; found: 1' \
	"which are counted"
signoff regressed plain.json 1 FAIL "a regression"
signoff wrong plain.json 1 FAIL "a boot that computed something wrong"

NEW=$NAME NAME=never-ran
signoff better plain.json 125 BLOCKED "a kernel without runs"
like "$(sed -n 2p so.out)" 'never-ran: no run of a kernel of that name or key in .*it holds: .*baseline' \
	"which is said before all that follows from it"
NAME=$NEW

# ---- where it goes ----

mkfifo pipe
cat pipe >from-pipe &
timeout 600 "$NESTLAB" report baseline $NAME --db better.db --format csv -o pipe
wait
cmp -s from-pipe better.csv && [ -p pipe ]
ok $? "a pipe (or a device) is written to, not replaced"

# ---- errors ----

echo '{ "rules": [ { "scenario": "x", "metric": "y", "allowed_change": "1" } ] }' >bad.json
out=$("$NESTLAB" report signoff --policy bad.json --base baseline --new $NAME --db better.db -o x 2>&1)
is $? 128 "a wrong policy is fatal"
like "$out" 'bad.json: \$\.rules\[0\]\.allowed_change:' "and is named by file and path"
ok "$([ ! -e x ]; echo $?)" "and writes nothing"
out=$("$NESTLAB" report baseline $NAME --format pdf --db better.db 2>&1)
is $? 129 "an unknown format is a usage error"
out=$("$NESTLAB" report baseline nosuch --db better.db 2>&1)
is $? 128 "an unknown kernel is fatal"
like "$out" 'nosuch.*nested-context' "and the known ones are listed"
out=$("$NESTLAB" report baseline $NAME --db none.db 2>&1)
is $? 128 "no database is fatal"
"$NESTLAB" report baseline baseline --db better.db --format json >halves.json
is $? 0 "a kernel against itself is two halves that do not differ"
like "$(cat halves.json)" '"new": ?"baseline/even"' "and are called so"

# ---- what a release must pass ----

is "$(jq -r '.selftests[] | if type == "string" then . else .test end' "$TOP/results/policies/release.json" | sort)" \
	"$(jq -r '.scenarios[].test | if type == "array" then .[] else . end' \
		"$TOP"/scenarios/{selftests,nested-context}.json | sort)" \
	"the release policy asks for each selftest of the two plans"

plan_done
