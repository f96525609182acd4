#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Hosts: what `nestlab host` tells, and how the emulated host's driver takes a Bochs that fails.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

export NESTLAB_CACHE=$TMP/cache
export NESTLAB_ROOT=$TMP/root
mkdir -p "$NESTLAB_ROOT/hosts"

# ---- list and check ----

out=$("$NESTLAB" host list)
ok $? "host list"
like "$out" '^emulated +emulated +can' "names the emulated host"
out=$("$NESTLAB" host check emulated)
is $? 0 "the emulated host can run here"
like "$out" 'emulated: can run' "and check says so"
like "$out" '"emulator":"bochs".*"version":"[0-9.]+"' "with what makes its numbers comparable"

json=$("$NESTLAB" host check emulated --json)
is "$(jq -r '.[0].ready' <<<"$json")" true "--json: ready"
is "$(jq -r '.[0].identity.ips' <<<"$json")" 100000000 "--json: identity"
is "$(jq -r '.[0].missing | length' <<<"$json")" 0 "--json: nothing missing"

out=$("$NESTLAB" host check nosuch 2>&1)
is $? 128 "an unknown host is fatal"
like "$out" 'nosuch: no such host .*nestlab host list' "and named, with what to do"
like "$("$NESTLAB" host rescue nosuch 2>&1)" '^nestlab: error: nosuch: no such host ' "also by the other actions, once"
"$NESTLAB" host 2>/dev/null
is $? 129 "no action is a usage error"
"$NESTLAB" host check 2>/dev/null
is $? 129 "check without a name is one too"

# ---- each missing thing, with its remedy ----

mkdir "$TMP/empty"
out=$(PATH=$TMP/empty "$NESTLAB" host check emulated)
is $? 1 "without Bochs: exit 1"
like "$out" 'missing +bochs: .*apt-get install bochs' "and its package named"
out=$(BXSHARE=$TMP/empty "$NESTLAB" host check emulated)
like "$out" 'BIOS-bochs-latest: .*apt-get install bochsbios' "without its BIOS: the package"
like "$out" 'VGABIOS-lgpl-latest: .*apt-get install .*vgabios' "without its VGA BIOS: the package"
out=$(LTDL_LIBRARY_PATH=$TMP/empty "$NESTLAB" host check emulated)
like "$out" 'libbx_term_gui.so: .*apt-get install bochs-term' "without its display: the package"
out=$(LTDL_LIBRARY_PATH=$TMP/empty "$NESTLAB" host list)
like "$out" 'cannot run' "the list says that it cannot run"

printf '#!/bin/sh\nexit 1\n' >"$TMP/empty/bochs"
chmod +x "$TMP/empty/bochs"
out=$(PATH=$TMP/empty:$PATH "$NESTLAB" host check emulated)
like "$out" 'bochs: does not run' "a Bochs that does not run"

available=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
if [ "$available" -lt 3300 ]; then
	echo '{"driver":"emulated","megabytes":3072}' >"$NESTLAB_ROOT/hosts/big.json"
	like "$("$NESTLAB" host check big)" 'missing +memory' "not enough memory is told"
fi
echo '{"driver":"emulated","megabytes":"1"}' >"$NESTLAB_ROOT/hosts/wrong.json"
out=$("$NESTLAB" host check wrong 2>&1)
is $? 128 "a wrong host file is fatal"
like "$out" 'wrong.json: \$.megabytes: ' "file and path are named"

# ---- a wrong file hides no other host ----

echo '{"driver":"emulated","description":"the last of them"}' >"$NESTLAB_ROOT/hosts/zfine.json"
out=$("$NESTLAB" host list)
is $? 1 "list with a wrong file: exit 1"
like "$out" '^zfine +emulated +.*the last of them' "a wrong file does not hide the hosts after it"
like "$out" '^wrong +- +wrong +.*wrong.json: \$.megabytes: ' "and is shown with what is wrong in it"
json=$("$NESTLAB" host list --json)
is "$(jq -r '.[] | select(.name == "zfine") | .driver' <<<"$json")" emulated "--json: nor there"
like "$(jq -r '.[] | select(.name == "wrong") | .error' <<<"$json")" 'wrong.json: \$.megabytes: ' \
	"--json: and it has its error"
"$NESTLAB" host check wrong zfine >"$TMP/out" 2>&1
is $? 128 "check of a wrong one and a good one is fatal"
like "$(cat "$TMP/out")" 'zfine: can' "and tells of the good one"

mkfifo "$NESTLAB_ROOT/hosts/pipe.json"
out=$(timeout -k 1 600 "$NESTLAB" host list)
is $? 1 "a named pipe among the host files is not waited for"
like "$out" '^zfine +emulated ' "and hides no host either"
like "$out" '^pipe +- +wrong ' "but is shown as wrong"
rm "$NESTLAB_ROOT/hosts/pipe.json"

echo '{"driver":"emulated","megabytes":512}' >"$NESTLAB_ROOT/hosts/emulated.json"
out=$("$NESTLAB" host list 2>"$TMP/err")
is "$(grep -c '^emulated ' <<<"$out")" 1 "a file named like a built-in host: it is listed once"
like "$(cat "$TMP/err")" 'hosts/emulated.json: is not used' "and the file is told of"
rm "$NESTLAB_ROOT/hosts/emulated.json"

# ---- a Ctrl-C is no missing thing ----

mkdir "$TMP/slow"
mkfifo "$TMP/asked"
printf '#!/bin/sh\necho >"%s"\nexec sleep 1000\n' "$TMP/asked" >"$TMP/slow/bochs"
chmod +x "$TMP/slow/bochs"
PATH=$TMP/slow:$PATH "$NESTLAB" host check emulated >"$TMP/out" 2>&1 &
asking=$!
read -r -t 600 _ <>"$TMP/asked"
kill -INT $asking
wait $asking
is $? 128 "Ctrl-C while Bochs is asked: exit 128"
like "$(cat "$TMP/out")" 'cancelled' "and it says cancelled"
unlike "$(cat "$TMP/out")" 'reinstall' "and does not blame Bochs"

# ---- a Bochs that fails ----

build_boot || { ok 1 "the tests' boot program builds"; plan_done; }
mkdir "$TMP/bin"
cp "$TOP/tests/lib/fake-bochs.sh" "$TMP/bin/bochs"
touch "$TMP/image.iso"
echo '{"driver":"emulated","progress_limit_s":1}' >"$NESTLAB_ROOT/hosts/hasty.json"
export FAKE_PIDS=$TMP/pids

fake() { # fake WHAT [HOST]
	rm -rf "$TMP/run"
	FAKE_BOCHS=$1 PATH=$TMP/bin:$PATH timeout 600 "$BOOT" host "$TMP/image.iso" "$TMP/run" \
		"${2:-emulated}"
}

like "$(fake crash)" '^host failed: .*signal 11' "an emulator that crashes: the host failed"
like "$(fake killed)" '^host failed: .*killed by signal 9 \(Killed\)' "one that is killed"
like "$(fake broken)" '^host failed: .*could not open hard drive image.*emulator.log' \
	"one that gives up: its reason, and its log"
like "$(fake config)" '^host failed: .*directive not understood' "one that refuses its settings"
like "$(fake off)" '^died: .*powered itself off before' "a machine that only switches off"
like "$(fake screen)" '^died: .*powered itself off before' \
	"a Bochs that has much to show is not kept waiting"
like "$(PATH=$(dirname "$(command -v env)"):$TMP/nowhere BXSHARE=/ timeout 600 "$BOOT" host \
	"$TMP/none.iso" "$TMP/run2" emulated)" 'not started: .*none.iso' "no image: nothing is started"

gone() { # gone PID...: are all ended?
	for pid in "$@"; do
		[ ! -d "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" || return 1
	done
}
like "$(fake hang hasty)" '^hang: .*nothing came for 1 s' "no progress is a hang"
# shellcheck disable=SC2046
gone $(cat "$FAKE_PIDS")
ok $? "and its whole process group is ended"

# A boot in the background whose Bochs hangs; it has started when its ids come through the FIFO.
hang_in_background() { # hang_in_background RUN_DIR: sets NESTLAB_PID, LEADER, CHILD
	FAKE_BOCHS=hang PATH=$TMP/bin:$PATH "$BOOT" host "$TMP/image.iso" "$1" emulated \
		>"$TMP/background" &
	NESTLAB_PID=$!
	read -r -t 600 LEADER CHILD <>"$FAKE_PIDS"
}
rm "$FAKE_PIDS"
mkfifo "$FAKE_PIDS"

hang_in_background "$TMP/run3"
kill -KILL "$NESTLAB_PID"
wait "$NESTLAB_PID" 2>/dev/null
timeout 600 tail --pid="$LEADER" -f /dev/null
ok $? "kill -9 of nestlab ends the emulator"
kill "$CHILD" 2>/dev/null

hang_in_background "$TMP/run4"
kill -INT "$NESTLAB_PID"
wait "$NESTLAB_PID"
like "$(cat "$TMP/background")" '^cancelled: ' "Ctrl-C cancels"
gone "$LEADER" "$CHILD"
ok $? "and leaves no process"

plan_done
