#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab run, up to the first boot: exit status 1 where the kernel is at fault, 128 where the lab or the
# request is, for each cause the same as nestlab kernel build.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"
cd "$TMP" || exit 1
"$NESTLAB" host check emulated >host.txt 2>&1 || skip_all "$(grep -m1 missing host.txt || head -1 host.txt)"
fake_lab "$TMP/lab"
mkdir "$TMP/lab/scenarios"
echo '{ "scenarios": [{ "scenario": "multiplex" }] }' >"$TMP/lab/scenarios/plain.json"
K=$NESTLAB_ROOT/kernels

variant() { # variant NAME JSON
	echo "$2" >"$K/$1.json"
}
series() { # series NAME: a patch series on root, of what is on stdin
	mkdir -p "$K/patches/$1"
	cat >"$K/patches/$1/a.patch"
	echo a.patch >"$K/patches/$1/series"
	variant "$1" "{ \"base\": \"root\", \"patches\": \"patches/$1\" }"
}
fake_patch 1 wrong | series wrong
fake_patch 4 | sed 's/return 40/return what/' | series broken
echo CONFIG_UNKNOWN_A=y >"$K/config/unknown.config"
variant unknown '{ "base": "root", "config": ["config/unknown.config"] }'
variant gone '{ "source": { "kind": "tarball", "location": "../gone.tar", "sha256": "'"$FAKE_SHA"'" },
	"config": ["config/one.config"] }'
variant typo '{ "base": "root", "patchs": "x" }'

expect() { # expect KERNEL STATUS REGEX NAME
	local out
	out=$("$NESTLAB" kernel build "$1" 2>&1)
	is $? "$2" "$4: kernel build exits $2"
	out=$("$NESTLAB" run plain --kernel "$1" --boots 1 --db "$TMP/x.db" 2>&1)
	is $? "$2" "$4: run exits $2"
	like "$out" "$3" "$4: and says so"
}
expect wrong 1 'kernel wrong: .*a.patch does not apply' "a patch that does not apply"
expect broken 1 'kernel broken: does not compile' "a source that does not compile"
expect unknown 1 'CONFIG_UNKNOWN_A' "an option that does not take"
expect gone 128 'gone.tar' "a source that is not there"
expect typo 128 'patchs' "a wrong variant"
expect nosuch 128 'nosuch' "a kernel that is not there"
out=$("$NESTLAB" run no-such --kernel wrong --db "$TMP/x.db" 2>&1)
is $? 128 "a wrong request is fatal, whatever the kernel is"

# ---- the same kernel is at fault; the lab may be in trouble all the same ----

if unshare -rm true 2>/dev/null; then
	mkdir small
	out=$(NESTLAB_CACHE=$TMP/small unshare -rm sh -c 'mount -t tmpfs -o size=20k none "$1" && shift && exec "$@"' \
		sh "$TMP/small" "$NESTLAB" run plain --kernel broken --boots 1 --db "$TMP/x.db" 2>&1)
	is $? 128 "a full disk is the lab's trouble"
	like "$out" 'disk full|No space left|make room' "and is named"
else
	skip "a full disk is the lab's trouble" "unshare -rm is not allowed here"
	skip "and is named" "unshare -rm is not allowed here"
fi
out=$(ulimit -f 1; "$NESTLAB" kernel build child 2>&1)
is $? 128 "so is a limit on the size of files"
like "$out" 'File too large|File size limit|ulimit -f' "and is named"

plan_done
