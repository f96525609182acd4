#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every HTTP call of a boot over Redfish answered by every fault, and nestlab killed while it waits for each
# (tests/lib/faults.py), for two makes. Nothing may be judged, and nothing left that rescue does not undo.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

export NESTLAB_CACHE=$TMP/cache NESTLAB_ROOT=$TMP/root
build_boot || exit 1
{ head -c 514 /dev/zero; printf HdrS; head -c 3000 /dev/zero; } >"$TMP/kernel"
image=$("$BOOT" image "$TMP/kernel" "$TINY" "a plan") || exit 1
status=0
for profile in plain lenovo; do
	echo "$profile:"
	"$TOP/tests/lib/faults.py" "$TMP/$profile" "$BOOT" "$NESTLAB" "$image" --profile $profile || status=1
done
exit $status
