#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that mark fields of an enlightened VMCS as clean too late or
# believe that too early, caught by nested_context_clean_test, two that tell the dirty ring of each nested
# exit and of none, and one that never unmaps a page that is gone; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_clean_test 15 <<'EOF'
clean-after-exit|output|not ok 2 marked as dirty while L2 runs
clean-after-failure|output|not ok 3 marked as dirty before a VM-Fail
EOF
catch nested_context_ring_test 15 <<'EOF'
ring-each-exit|output|not ok 1 few entries while in use
ring-never|output|not ok 2 an entry once released
EOF
catch nested_context_unmap_test 30 <<'EOF'
never-unmap|output|not ok 2 unmapped when it is gone
EOF
tell_errors
plan_done
