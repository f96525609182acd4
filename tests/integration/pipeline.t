#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels are built one after the other while those that are there boot. The kernels are fake, and so
# is Bochs: FIFOs say what has started and let it go on.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

LAB=$TMP/lab
fake_lab "$LAB"
# A bzImage that images/ takes for one: its header.
sed -i 's|^> @nm vmlinux .*|&\n> @printf HdrS \| dd of=arch/x86/boot/bzImage bs=1 seek=514 conv=notrunc status=none|' \
	"$LAB/linux-fake/Makefile"
tar -C "$LAB" -cf "$LAB/fake.tar" --mtime=@1000000000 linux-fake
sed -i "s/$FAKE_SHA/$(sha256sum "$LAB/fake.tar" | cut -d' ' -f1)/" "$LAB/kernels/root.json"

# "late" fails to build, but only after the gate.
mkdir "$LAB/kernels/patches/late"
cp -r "$LAB/linux-fake" "$TMP/late"
echo "> @echo 'late.c:1: error: too late'; false" >>"$TMP/late/Makefile"
{ echo 'Fail late.'; echo ---; diff -u "$LAB/linux-fake/Makefile" "$TMP/late/Makefile" |
	sed 's|^--- .*|--- a/Makefile|; s|^+++ .*|+++ b/Makefile|'; } >"$LAB/kernels/patches/late/0001-late.patch"
echo 0001-late.patch >"$LAB/kernels/patches/late/series"
echo '{ "base": "root", "patches": "patches/late" }' >"$LAB/kernels/late.json"

mkdir "$TMP/bin" "$TMP/gate"
echo '{ "scenarios": [{ "scenario": "multiplex" }] }' >"$TMP/quick.json"
cp "$TOP/tests/lib/fake-bochs.sh" "$TMP/bin/bochs"
mkfifo "$TMP/gate/started" "$TMP/gate/go" "$TMP/pids"

run() { # run DB ARG...
	local db=$1
	shift
	FAKE_GATE=$TMP/gate FAKE_PIDS=$TMP/pids PATH=$TMP/bin:$PATH \
		exec "$NESTLAB" run "$TMP/quick.json" --boots 1 --db "$db" "$@"
}
probe_works() { "$NESTLAB" host check emulated >/dev/null; }
probe_works || skip_all "no emulated host"
# The fake Bochs cannot say what it is: the real one answers that.
real=$(command -v bochs)
sed -i "2i [ \"\$1\" != --help ] || exec $real \"\$@\"" "$TMP/bin/bochs"
"$NESTLAB" kernel build root >"$TMP/out" 2>&1
ok $? "the first kernel is there"

# ---- a boot of the first while the second compiles ----

(FAKE_BOCHS=hang run "$TMP/a.db" --kernel root --kernel child) >"$TMP/out" 2>&1 &
pid=$!
read -r -t 600 _ <>"$TMP/gate/started"
ok $? "the second kernel compiles"
read -r -t 600 leader _ <>"$TMP/pids"
ok $? "and the first boots meanwhile"
echo >"$TMP/gate/go"
ok "$([ -n "$(ls "$LAB/cache/kernels")" ]; echo $?)" "the build goes on"
if [ "$(nproc)" -gt 1 ]; then
	read -r -t 600 second _ <>"$TMP/pids"
	ok $? "and then the second boots"
else
	skip "and then the second boots" "one core, one boot at once"
fi
kill -INT $pid
wait $pid
is $? 128 "Ctrl-C ends the run"
is "$(sqlite3 "$TMP/a.db" "SELECT count(*) FROM run WHERE class = 'cancelled'" 2>&1)" \
	"$([ "$(nproc)" -gt 1 ] && echo 2 || echo 1)" "what ran is stored as cancelled"

# ---- a build that fails after boots have started ----

(FAKE_BOCHS=hang run "$TMP/b.db" --kernel root --kernel late) >"$TMP/out" 2>&1 &
pid=$!
read -r -t 600 _ <>"$TMP/gate/started"
read -r -t 600 leader _ <>"$TMP/pids"
echo >"$TMP/gate/go"
kill -KILL "$leader" # the boot ends after the build's failure or before it
wait $pid
is $? 1 "a build that fails by the kernel: exit 1"
like "$(cat "$TMP/out")" 'error: kernel late: does not compile' "and told, with the kernel named once"
is "$(sqlite3 "$TMP/b.db" "SELECT count(*) FROM run WHERE kernel_name = 'root'" 2>&1)" 1 \
	"the boot of the first kernel stays"

plan_done
