#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that mark fields of an enlightened VMCS as clean too late or
# believe that too early, caught by nested_context_clean_test; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_clean_test 15 <<'EOF'
clean-after-exit|output|not ok 2 marked as dirty while L2 runs
clean-after-failure|output|not ok 3 marked as dirty before a VM-Fail
EOF
tell_errors
plan_done
