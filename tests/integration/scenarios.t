#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab scenario: the shipped files are good, and mistakes are named.
set -u
. "$(dirname "$0")/../lib/tap.sh"

out=$("$NESTLAB" scenario list)
is $? 0 "scenario list"
like "$out" '^quick +[0-9]+ measurements  ' "quick is listed with its size"
like "$out" '^full ' "full is listed"
is "$(grep -oE '^[^ ]+ +[0-9]+ measurement(s| )  ' <<<"$out" | awk '{print length}' | sort -u | wc -l)" 1 "in columns"
like "$out" '^leaks +1 measurement   ' "and one measurement is one"

out=$("$NESTLAB" scenario list --json)
like "$out" '"name":"quick"' "list --json names quick"
python3 -c 'import json,sys; json.load(sys.stdin)' <<<"$out"
ok $? "list --json is JSON"

out=$("$NESTLAB" scenario check "$TOP"/scenarios/*.json)
is $? 0 "every shipped scenario is good"
out=$("$NESTLAB" scenario check quick)
is $? 0 "a name will do"

out=$("$NESTLAB" scenario show l1-quick)
is "$? $(wc -l <<<"$out")" "0 13" "scenario show has a line for each measurement"
like "$(tail -1 <<<"$out")" '^\+9 +l1-save-restore .*l1=linux-kvm .*vmm=libvirt rounds=1$' "with its entry and parameters"
is "$("$NESTLAB" scenario show l1-quick+9)" "$(tail -1 <<<"$out")" "by which it can be asked for alone"
is "$("$NESTLAB" scenario show l1-quick --json | jq -c '[length, .[-1].entry, .[-1].params.vmm]')" '[13,9,"libvirt"]' "show --json"
out=$("$NESTLAB" scenario show no-such 2>&1)
is "$?" 128 "what is not there cannot be shown"

echo '{"scenarios": [{"scenario": "multiplex", "l2_vcpus": [8, 0]}]}' >"$TMP/zero.json"
out=$("$NESTLAB" scenario check quick "$TMP/zero.json" 2>&1)
is $? 1 "a wrong file: exit status 1"
like "$out" 'zero\.json: \$\.scenarios\[0\]\.l2_vcpus\[1\]: 0 is not within 1\.\.256' \
	"the error names file and path"
like "$out" 'quick.json: good' "and does not hide the good one"

printf '{"scenarios": [\n  {"scenario": "exits",}\n]}' >"$TMP/syntax.json"
out=$("$NESTLAB" scenario check "$TMP/syntax.json" 2>&1)
is $? 1 "a syntax error: exit status 1"
like "$out" 'syntax\.json:2:' "it names the line"

"$NESTLAB" scenario check "$TMP/none.json" 2>/dev/null
is $? 1 "a missing file: exit status 1"
"$NESTLAB" scenario 2>/dev/null
is $? 129 "nothing to do: usage"
"$NESTLAB" scenario check 2>/dev/null
is $? 129 "no file: usage"
"$NESTLAB" scenario fly 2>/dev/null
is $? 129 "an unknown verb: usage"

plan_done
