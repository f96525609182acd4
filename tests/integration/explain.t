#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab explain for real: a kernel in Bochs, whose debugger tells each instruction of some exits.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

EXIT="--scenario exits --metric exit --param reason=vmcall --rounds 8 --max-boots 1 --db $TMP/db"

# what cannot be, before anything is booted
out=$("$NESTLAB" explain baseline --host emulated-2cpu $EXIT 2>&1)
is $? 125 "a host with two CPUs: cannot tell"
like "$out" 'SKIP: host emulated-2cpu: .*more than one CPU' "and why"
out=$("$NESTLAB" explain baseline --scenario multiplex --metric switches-per-mclk --db "$TMP/db" 2>&1)
is $? 128 "a rate has no operations"
like "$out" 'multiplex switch,' "and what has some is listed"
out=$("$NESTLAB" explain baseline --scenario kselftest --metric switch --db "$TMP/db" 2>&1)
like "$out" 'kselftest switch has no operation' "nor has a selftest"
out=$("$NESTLAB" explain baseline --scenario exits --metric exit --db "$TMP/db" 2>&1)
like "$out" 'cannot do without --param reason=VALUE' "a missing parameter is named as one gives it"
out=$("$NESTLAB" explain baseline $EXIT -o "$TMP/nosuch/e.json" 2>&1)
is "$?-$(ls "$TMP/runs" 2>/dev/null)" 128- "a folder that cannot be written into: said before a boot"
like "$out" '-o .*/nosuch/e.json: cannot write into the folder' "and which"
out=$("$NESTLAB" explain baseline $EXIT -o "$TMP" 2>&1)
like "$out" '-o .*: this is a folder' "nor is a folder a file"
out=$("$NESTLAB" explain 2>&1)
is $? 129 "no kernel: usage"
printf '{"explanation":1}' >"$TMP/damaged.json"
out=$("$NESTLAB" explain --from "$TMP/damaged.json" 2>&1)
is $? 128 "a damaged file is refused"
like "$out" 'damaged.json: \$' "and named"

"$NESTLAB" host check emulated >"$TMP/host" || { plan_done; exit; }
find_kernel || { plan_done; exit; }
"$NESTLAB" explain baseline $EXIT --json -o "$TMP/e.json" 2>"$TMP/err"
is $? 0 "a kernel is explained" || cat "$TMP/err"

json() { jq -r "$1" "$TMP/e.json"; }
is "$(json '([.functions[].base] | add) - ([.levels[].base] | add) | fabs < 0.001')" true \
	"functions and levels have the same sum"
is "$(json '.kernels[0] | (.total - .median | fabs) < 0.02 * .median')" true \
	"which is the median that was measured, within 2 %"
is "$(json '.exits[] | select(.name == "exit from L2: vmcall") | .base')" 1 "one exit of L2 each"
is "$(json '[.levels[].name] | sort | join(",")')" "L0 kernel,L1,L2" "three levels have a part in it"
is "$(json '.functions[] | select(.name == "nested_vmx_vmexit") | .where')" arch/x86/kvm/vmx/nested.c \
	"the file of a function"
is "$(json '.functions[] | select(.name == "nested_vmx_vmexit") | .caller')" nested_vmx_reflect_vmexit \
	"and who calls it"

"$NESTLAB" explain --from "$TMP/e.json" --format html -o "$TMP/e.html"
ok $? "the page"
xmllint --noout --nowarning "$TMP/e.html" 2>"$TMP/xml"
is "$?$(grep -v -e '^$' "$TMP/xml" | head -1)" 0 "is well-formed"
like "$("$NESTLAB" explain --from "$TMP/e.json" --format folded)" \
	'L0;.*kvm_arch_vcpu_ioctl_run;.*nested_vmx_vmexit [0-9]+' "folded stacks reach from the agent to KVM"
like "$("$NESTLAB" explain --from "$TMP/e.json")" 'agrees with the m' "the text says that it agrees"

plan_done
