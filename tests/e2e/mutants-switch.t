#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A mutant of the nested-context series that keeps too many contexts, caught by
# nested_context_switch_test; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_switch_test 120 <<'EOF'
ignore-limit|output|reuse 27, expected 24; recycle 0, expected 0
EOF
tell_errors
plan_done
