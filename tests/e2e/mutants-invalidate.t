#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that lose or ignore an invalidation, caught by
# nested_context_invalidate_test; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_invalidate_test 15 <<'EOF'
ask-some|output|no end within
ask-unused|output|no end within
narrow-start|output|0x0 != 0x10 \(\(uint32_t\)READ_ONCE\(l2->vapic
never-in-use|output|not ok 5 L2 active, MADV_DONTNEED
never-invalidate|output|not ok 1 MSR bitmap, MADV_DONTNEED
skip-dirty|output|not ok 12 dirty log, virtual-APIC page, nested exit
skip-dirty-evmcs|output|not ok 15 dirty log, eVMCS
stale-gpa|output|0x12 != 0x1f \(vmreadz\(VM_EXIT_REASON\) != EXIT_REASON_MSR_READ\)
stale-msr-bitmap|output|not ok 1 MSR bitmap, MADV_DONTNEED
EOF
# One needs two CPUs: one that takes a page away, one that L2 goes on to use it on.
catch nested_context_invalidate_test 60 emulated-2cpu <<'EOF'
never-evict|output|not ok [0-9]+ L2 running, no TLB flush
EOF
tell_errors
plan_done
