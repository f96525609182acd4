#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab daemon demo: Ctrl-C at each stage, a second one beside it, no port, and what it leaves. The kernel is fake and Bochs
# hangs; where the demo comes further, boots are faked, too (tests/lib/fake_boot.c). Daemon, agent and schedule are real.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
"$NESTLAB" host check emulated >/dev/null || skip_all "no emulated host"

LAB=$TMP/lab
fake_lab "$LAB"
# A bzImage that images/ takes for one: its header.
sed -i 's|^> @nm vmlinux .*|&\n> @printf HdrS \| dd of=arch/x86/boot/bzImage bs=1 seek=514 conv=notrunc status=none|' \
	"$LAB/linux-fake/Makefile"
tar -C "$LAB" -cf "$LAB/fake.tar" --mtime=@1000000000 linux-fake
sed "s/$FAKE_SHA/$(sha256sum "$LAB/fake.tar" | cut -d' ' -f1)/" "$LAB/kernels/root.json" >"$LAB/kernels/baseline.json"
"$NESTLAB" kernel build baseline >/dev/null

# the history that the demo would make of Debian's source
HISTORY=$NESTLAB_CACHE/demo/linux
git() { command git -C "$LAB/linux-fake" -c user.name=test -c user.email=test@localhost "$@"; }
command git init -q -b demo "$LAB/linux-fake"
for i in 0 1 2 3 4; do
	echo "int f1(void) { return $i; }" >"$LAB/linux-fake/src/f1.c"
	echo $((1500 + 20 * (i > 2))) >"$LAB/linux-fake/cost" # for the fake boots
	git add -A && git commit -q -m "commit $i"
done
mkdir -p "$NESTLAB_CACHE/demo"
command git clone -q --bare "$LAB/linux-fake" "$HISTORY"

mkdir "$TMP/bin" "$TMP/gate" "$TMP/tmp"
mkfifo "$TMP/gate/started" "$TMP/gate/go" "$TMP/pids"
cp "$TOP/tests/lib/fake-bochs.sh" "$TMP/bin/bochs"
real=$(command -v bochs)
sed -i "2i [ \"\$1\" != --help ] || exec $real \"\$@\"" "$TMP/bin/bochs"

export TMPDIR=$TMP/tmp PATH=$TMP/bin:$PATH
demo() { DEMO_MARK=$TMP "$NESTLAB" daemon demo "$@"; } # the mark is in the environment of all that it starts
processes() { grep -slz "^DEMO_MARK=$TMP\$" /proc/[0-9]*/environ | wc -l; }
no_process() { [ "$(processes)" = 0 ]; }
nothing_left() { # nothing_left STAGE
	is "$(ls "$TMP/tmp")" "" "$1: its folder is gone"
	await no_process
	is "$(processes)" 0 "$1: and so is every process"
}

# ---- Ctrl-C while it builds ----

FAKE_GATE=$TMP/gate DEMO_MARK=$TMP "$NESTLAB" daemon demo >"$TMP/out" 2>&1 &
pid=$!
read -r -t 600 _ <>"$TMP/gate/started"
ok $? "the first night's kernel is built" || tail -5 "$TMP/out"
ok $(($(processes) < 3)) "by its daemon and its agent"
demo >"$TMP/second" 2>&1
is "$? $(grep -c 'another demo runs' "$TMP/second")" "128 1" "another demo does not begin meanwhile, and says why"
demo --clean >"$TMP/second" 2>&1
is "$? $(grep -c 'another demo runs' "$TMP/second")" "128 1" "nor is anything cleaned below it"
kill -INT $pid
wait $pid
is $? 128 "Ctrl-C ends it"
like "$(tail -1 "$TMP/out")" "cancelled; what was built is kept" "which says what is kept"
nothing_left "in a build"

# ---- and while it boots ----

FAKE_BOCHS=hang FAKE_PIDS=$TMP/pids DEMO_MARK=$TMP "$NESTLAB" daemon demo >"$TMP/out" 2>&1 &
pid=$!
read -r -t 600 leader _ <>"$TMP/pids"
ok $? "the next demo goes on, and boots" || tail -5 "$TMP/out"
kill -INT $pid
wait $pid
is $? 128 "Ctrl-C ends that, too"
nothing_left "in a boot"
kill -0 "$leader" 2>/dev/null
ok $((! $?)) "and the emulator's"

# ---- what fails keeps its logs ----

if unshare -n true 2>/dev/null; then
	# the only port that there is
	DEMO_MARK=$TMP unshare -n bash -c "ip link set lo up && echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range && exec python3 -c '
import socket, subprocess
taken = socket.create_server((\"127.0.0.1\", 40000))
subprocess.run([\"$NESTLAB\", \"daemon\", \"demo\"])'" >"$TMP/out" 2>&1
	like "$(cat "$TMP/out")" "nestlabd ended: .*127.0.0.1" "without a port it says what nestlabd said"
	log=$(sed -n 's/^Its log is //p' "$TMP/out")
	[ -s "$log" ]
	ok $? "and its log is there"
	rm -rf "$TMP"/tmp/*
	nothing_left "without a port"
else
	skip "without a port" "no right to make a network"
fi

# ---- Ctrl-C in the bisect, and at the end ----

# the agent of these programs fakes its boots; a bisect waits behind the gate
mkdir "$TMP/programs"
cp "$NESTLAB" "$TMP/programs/real"
cp "$NESTLABD" "$TMP/programs/nestlabd"
cat >"$TMP/fake" <<-SH
	#!/bin/sh
	[ "\$1" != bisect ] || [ -z "\$BISECT_GATE" ] || { echo >"\$BISECT_GATE"; sleep 1000; }
	exec "$FAKE_BOOT_PROGRAM" "\$@"
SH
cat >"$TMP/programs/nestlab" <<-SH
	#!/bin/sh
	[ "\$1" != agent ] || exec "$TMP/programs/real" "\$@" --program "$TMP/fake"
	exec "$TMP/programs/real" "\$@"
SH
chmod +x "$TMP/fake" "$TMP/programs/nestlab"
BISECT_GATE=$TMP/gate/started DEMO_MARK=$TMP "$TMP/programs/real" daemon demo >"$TMP/out" 2>&1 &
pid=$!
read -r -t 600 _ <>"$TMP/gate/started"
ok $? "three nights, an alarm, its confirmation, and a bisect begins" || tail -5 "$TMP/out"
await grep -q 'the change is: bisecting' "$TMP/out"
ok $? "which is told"
kill -INT $pid
wait $pid
is $? 128 "Ctrl-C ends it there"
nothing_left "in the bisect"
DEMO_MARK=$TMP "$TMP/programs/real" daemon demo >"$TMP/out" 2>&1 &
pid=$!
await grep -q 'Ctrl-C ends the daemon' "$TMP/out"
ok $? "the next one comes to the end" || tail -5 "$TMP/out"
like "$(cat "$TMP/out")" "culprit: +$(command git -C "$HISTORY" rev-parse demo~1 | cut -c1-12) commit 3" "with the culprit"
like "$(cat "$(sed -n 's/^the mail: *//p' "$TMP/out")")" 'commit 3' "the mail"
url=$(grep -o 'http[^ ]*/changes/1' "$TMP/out")
like "$(curl -sS "$url")" 'commit 3' "and the page"
kill -INT $pid
wait $pid
is $? 0 "where Ctrl-C is how it ends"
nothing_left "at the end"

# ---- what demos leave in the cache ----

kernels() { ls "$NESTLAB_CACHE/kernels" | wc -l; }
is "$(kernels) $(ls "$NESTLAB_CACHE/trees" | grep -c ^git-)" "2 1" "a kernel of the history and its tree are in the cache"
for tree in "$NESTLAB_CACHE"/trees/git-*; do # the last thing that was built may be a bisect's revert, which the history lacks
	printf %040d 7 >"$tree/.nestlab-commit"
done
mkdir "$HISTORY.part" # of one that was killed
demo --clean >"$TMP/out"
is "$? $(kernels) $(ls "$NESTLAB_CACHE/trees" | grep -c ^git-)" "0 1 0" "--clean removes both, and leaves baseline"
is "$(ls "$NESTLAB_CACHE/demo")" lock "and the history"
like "$(cat "$TMP/out")" "MB  $HISTORY" "it says what went"
plan_done
