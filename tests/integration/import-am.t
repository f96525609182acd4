#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Generated mails: what nestlab imports and applies is, byte for byte, what git am makes, or is refused.
set -u
. "$(dirname "$0")/../lib/tap.sh"
BUILD_DIR=$(dirname "$(dirname "$NESTLAB")")
MAILS=${MAILS:-400}

# shellcheck disable=SC2046
(cd "$TOP" && gcc -std=gnu17 -D_GNU_SOURCE -O1 -I. -pthread -o "$TMP/import_tree" tests/lib/import_tree.c \
	"$BUILD_DIR/libnestlab.a" \
	$(pkg-config --cflags --libs json-c sqlite3 gsl libcurl libmicrohttpd libarchive libcrypto libelf) -lm) 2>"$TMP/gcc"
ok $? 'the tool compiles'
sed 's/^/# /' "$TMP/gcc"
TMPDIR=$TMP python3 "$TOP/tests/lib/mails.py" "$TMP/import_tree" "$MAILS" "${SEED:-10}" >"$TMP/out"
ok $? "$MAILS mails: no tree differs from git am's"
sed 's/^/# /' "$TMP/out"
[ "$(sed -n 's/^ *\([0-9]*\) equal$/\1/p' "$TMP/out")" -ge $((MAILS / 2)) ]
ok $? 'at least half of them are equal'
is "$(ls -d "$TMP"/nestlab-* 2>/dev/null)" '' 'no temporary folder is left'

plan_done
