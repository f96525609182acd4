#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The micro-hypervisor's image is what the agent takes it for: flat, in its place, without SSE.
set -u
. "$(dirname "$0")/../lib/tap.sh"

agent=$TOP/${BUILD:-build}/agent
elf=$agent/l1.elf
bin=$agent/l1.bin
symbol() { nm "$elf" | awk -v n="$1" '$3 == n { print $1 }'; }

is "$(symbol l1_start)" 0000000000100000 "the entry is the first byte of L1_IMAGE"
ends=$(nm "$elf" | sort | tail -1 | cut -d' ' -f1)
[ $((16#$ends)) -lt $((0x200000)) ]
ok $? "it ends below L1_SAMPLES, .bss included (0x$ends)"
objdump -d --no-show-raw-insn "$elf" >"$TMP/code"
unlike "$(cat "$TMP/code")" '%[xyz]mm|%st\(|fxsave|xsave' "no FPU or SSE register is touched"
like "$(cat "$TMP/code")" 'vmptrld' "the vmx back end is in"
is "$(od -An -tx1 -N3 "$bin" | tr -d ' ')" 0f0115 "the flat image begins with its code (lgdt)"
relocations=$(readelf -r "$elf" | grep -c R_X86_64)
is "$relocations" 0 "nothing is left to relocate"
objcopy -O binary "$elf" "$TMP/flat" && cmp -s "$bin" "$TMP/flat"
ok $? "the flat image is that of the ELF file"

# steps: 13 registers are compared, advanced and stored
step=$(sed -n '/<l2_step>:/,/<bad_0>:/p' "$TMP/code")
is "$(grep -cE 'cmp +(0x[0-9a-f]+)?\(%rbp\),%r|cmp +%r[a-z0-9]+,(0x[0-9a-f]+)?\(%rbp\)' <<<"$step")" 13 \
	"L2 compares 13 registers with memory each step"
is "$(grep -cE 'add +%r15,' <<<"$step")" 13 "and advances each"
is "$(grep -cE 'mov +%r[a-z0-9]+,(0x[0-9a-f]+)?\(%rbp\)' <<<"$step")" 13 "and stores each"
plan_done
