#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that mistake the owner of a context, caught by a WARNING on the
# console during nested_context_abuse_test, and two whose caches the MMU notifier does not find; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_abuse_test 60 <<'EOF'
foreign-vmclear|console|WARNING.* nested_vmcs02_write_page
free-while-loaded|console|WARNING.* nested_vmcs02_write_page
keep-old-pointers|console|WARNING.* nested_vmcs02_write_page
narrow-end|output|0x0 != 0x[0-9a-f]+ \(\(uint32_t\)READ_ONCE\(l2->vapic
recycle-keeps-vcpu|console|WARNING.* nested_vmcs02_write_page
stale-node|output|not ok 14 overflow, L2 active, pages replaced
EOF
tell_errors
plan_done
