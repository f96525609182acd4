#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The agent inside a Windows L1, as far as it goes without a Windows: under Wine, on a stand-in for the hypervisor
# platform that runs L2's own code (tests/lib/whp.c). And the medium that prepares a Windows.
set -u
. "$(dirname "$0")/../lib/tap.sh"

command -v x86_64-w64-mingw32-gcc >/dev/null || skip_all "no mingw-w64 (package gcc-mingw-w64-x86-64-win32)"
WINE=$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null)
make -s -C "$TOP" windows-agent >"$TMP/make" 2>&1
ok $? "the agent builds"
AGENT=$(dirname "$NESTLAB")/nestlab-agent.exe

# ---- the medium ----

"$NESTLAB" image prepare-windows -o "$TMP/w.iso" --edition 'Windows <Server> & more' >"$TMP/out" 2>&1
ok $? "prepare-windows"
is "$(stat -c %a "$TMP/w.iso")" 600 "nobody else may read it: it has a password"
mkdir "$TMP/iso"
xorriso -osirrox on -indev "$TMP/w.iso" -extract / "$TMP/iso" >/dev/null 2>&1
chmod -R u+w "$TMP/iso"
xmllint --noout "$TMP/iso/Autounattend.xml"
ok $? "the answers are XML"
answer() { # answer WORD [FILE]
	xmllint --xpath "string(//*[local-name() = '$1'][1]/*[local-name() = 'Value'])" "${2-$TMP/iso/Autounattend.xml}"
}
is "$(answer MetaData)" 'Windows <Server> & more' "with the edition"
like "$(answer AdministratorPassword)" '^Aa1[a-z2-9]{20}$' "and a password"
is "$(answer Password)" "$(answer AdministratorPassword)" "which logs the administrator on once"
"$NESTLAB" image prepare-windows -o "$TMP/w2.iso" >/dev/null 2>&1
xorriso -osirrox on -indev "$TMP/w2.iso" -extract /Autounattend.xml "$TMP/w2.xml" >/dev/null 2>&1
like "$(answer Password "$TMP/w2.xml")" '^Aa1[a-z2-9]{20}$' "another medium has one, too"
unlike "$(answer Password "$TMP/w2.xml")" "$(answer Password)" "and that is another one"
for edition in "" $'a\x01b' $'Windows\nServer' $'\xff\xfe'; do
	out=$("$NESTLAB" image prepare-windows -o "$TMP/w3.iso" --edition "$edition" 2>&1)
	is "$? $(ls "$TMP/w3.iso" 2>&1 | grep -c 'w3.iso$')" "128 0" "an edition that is no text is refused: $(printf %q "$edition")"
	like "$out" '--edition: (must not be empty|byte [0-9]+ .* is no text)' "and it says why"
done
mkdir "$TMP/fake"
printf '#!/bin/sh\necho half >"$9"\nexit 1\n' >"$TMP/fake/xorriso"
chmod +x "$TMP/fake/xorriso"
before=$(sha256sum "$TMP/w2.iso")
PATH=$TMP/fake:$PATH "$NESTLAB" image prepare-windows -o "$TMP/w2.iso" >/dev/null 2>&1
is "$? $(sha256sum "$TMP/w2.iso")" "128 $before" "where making one fails, the one before stays"
like "$(cat "$TMP/iso/nestlab/prepare.cmd")" 'featurename:%1' "features are enabled"
is "$(grep -c $'\r$' "$TMP/iso/nestlab/prepare.cmd")" "$(wc -l <"$TMP/iso/nestlab/prepare.cmd")" "the script has Windows' line ends"
cmp -s "$AGENT" "$TMP/iso/nestlab/nestlab-agent.exe"
ok $? "and the agent is there"

[ -n "$WINE" ] || { skip "the agent runs" "no Wine (package wine64)"; plan_done; }
# ---- the agent ----

export WINEPREFIX=$TMP/wine WINEDEBUG=-all
cd "$TMP" || exit 1
cp "$AGENT" .
stop_wine() { "$(dirname "$(readlink -f "$WINE")")/wineserver64" -k 2>/dev/null || "$(dirname "$(readlink -f "$WINE")")/wineserver" -k 2>/dev/null; }
trap 'stop_wine; rm -rf "$TMP"' EXIT
agent() { timeout 600 "$WINE" nestlab-agent.exe --plan plan.txt --records "$1" >"$TMP/log" 2>&1; }
measure() { # measure ID REST
	echo "measure id=$1 l1=hyperv memory=managed l1_vcpus=1 ept=1 apic_pages=0 rounds=20 warmup=2 $2"
}
{
	echo "nestlab-plan 1"
	echo "run seed=1 mode=cooperative"
	measure 0 "scenario=multiplex l2_vcpus=8"
	id=1
	for reason in io hlt ept-violation rdmsr-passthrough cpuid vmcall; do
		measure $id "scenario=exits l2_vcpus=1 reason=$reason"
		id=$((id + 1))
	done
	echo "end count=7"
} >plan.txt

agent none.jsonl
is "$(jq -c 'select(.type == "skip") | .reason' none.jsonl | sort -u | grep -c 'no WinHvPlatform.dll')" 1 \
	"without the platform: a skip, with the remedy"
x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -Wno-format -Werror -shared -static -o WinHvPlatform.dll "$TOP/tests/lib/whp.c"
ok $? "the stand-in builds"
NESTLAB_TEST_NO_HYPERVISOR=1 agent off.jsonl
like "$(jq -r 'select(.type == "skip") | .reason' off.jsonl | head -1)" 'hypervisorlaunchtype' "without the hypervisor, too"

agent out.jsonl
ok $? "the agent runs its plan to the end"
python3 - out.jsonl <<-'END'
	import json, sys, zlib
	lines = open(sys.argv[1], "rb").read().splitlines()
	for n, line in enumerate(lines):
	    body, crc = line[:-len(b',"crc":"01234567"}')], json.loads(line)["crc"]
	    assert json.loads(line)["seq"] == n, line
	    assert "%08x" % zlib.crc32(body) == crc, line
	assert json.loads(lines[-1]) == {**json.loads(lines[-1]), "type": "bye", "records": len(lines)}
END
ok $? "records are numbered, sealed and complete"
is "$(jq -c 'select(.type == "metric" and .metric == "switch") | [.id, .count]' out.jsonl)" '[0,160]' \
	"8 virtual processors took 20 turns each"
is "$(jq -c 'select(.metric == "exit") | [.id, .count]' out.jsonl | tr -d '\n')" '[1,20][2,20][3,20][4,20]' \
	"exits by reason, each with its own samples"
is "$(jq -r 'select(.type == "fail") | [.id, .class] | @tsv' out.jsonl)" "5	integrity" \
	"CPUID, which the stand-in cannot intercept, is found out"
like "$(jq -r 'select(.type == "skip" and .id == 6) | .reason' out.jsonl)" "Hyper-V's affair" "VMCALL is a skip"
NESTLAB_TEST_SPOIL=30 agent spoilt.jsonl
is "$(jq -r 'select(.type == "fail" and .id == 0) | [.class, .text] | @tsv' spoilt.jsonl | sed 's/(.*//')" \
	"integrity	an L2 register lost its value over an exit " "a register that a hypervisor loses is found"
is "$(jq -r 'select(.type == "metric" and .id == 0)' spoilt.jsonl)" "" "and there is no number"

measure 0 "scenario=multiplex" >broken; sed -i "s/^measure id=0.*/$(cat broken)/" plan.txt
agent broken.jsonl
like "$(jq -r 'select(.type == "fatal") | .text' broken.jsonl)" 'l2_vcpus= is missing' "a plan that is wrong: fatal, with its line"
plan_done
