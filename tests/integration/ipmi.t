#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The ipmi driver against a BMC (Debian's ipmi_sim) that switches a real machine with VMX (Bochs): records and
# console on one line over serial over LAN. The same plan gives the same numbers as on the emulated host.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/bmc.sh"
for program in ipmitool ipmi_sim; do
	command -v $program >/dev/null || skip_all "$program is not installed (apt-get install ipmitool openipmi)"
done
"$NESTLAB" host check emulated >"$TMP/host" || skip_all "$(grep missing "$TMP/host" | head -1)"
"$NESTLAB" kernel build baseline >"$TMP/kernel" 2>&1 || skip_all "no kernel: $(tail -1 "$TMP/kernel")"
cd "$TMP" || exit 1
trap 'stop_bmcs; rm -rf "$TMP"' EXIT
start_bmc m
printf 'user=lab\npassword=%s\n' "$BMC_PASSWORD" >cred
chmod 600 cred
cat >tiny.json <<-END
	{ "description": "one measurement", "scenarios": [ { "scenario": "multiplex", "l1": "micro-vmx",
	  "memory": "managed", "l2_vcpus": 8, "apic_pages": true, "rounds": 50, "warmup": 5 } ] }
END
host() { # host NAME MORE: a host file, with more keys
	cat >"$1.json" <<-END
		{ "driver": "ipmi", "bmc": "127.0.0.1:$BMC_PORT", "credentials": "file:$TMP/cred", "cipher": 3,
		  "boot": "cdrom", "firmware": "bios", "image_file": "$TMP/m/media.iso", "kernel_config": [],
		  "console": "ttyS0,115200", "boot_limit_s": 300, "poll_ms": 200, $2
		  "cmdline": "nestlab.clock=emulated tsc_early_khz=100000 mem=768M" }
	END
}
run() { # run HOST [DB]: what a boot of the plan there comes to
	timeout 1800 "$NESTLAB" run tiny.json --kernel baseline --boots 1 --host "$1" --db "${2:-$1.db}" 2>&1
}
boot_of() { # boot_of DB COLUMN
	sqlite3 "$1" "select $2 from run order by id desc limit 1"
}
switch_of() {
	sqlite3 "$1" "select mean from metric where metric = 'switch' order by run desc limit 1"
}

is_on() { $MACHINE get power | grep -q 1; }
machine_is_on() { # waits for it
	await is_on || ok 1 "the machine is switched on"
}

# ---- a good boot ----

host good ''
out=$("$NESTLAB" host check ./good.json 2>&1)
like "$out" 'bmc_firmware":"9.08"' "host check asks the BMC who it is"
run emulated emulated.db >emulated.out &
emulated=$!
(while sleep 0.05; do ps -eo args; cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n'; done >ps.log) &
watcher=$!
out=$(run ./good.json good.db)
is $? 0 "a boot behind a BMC passes"
kill $watcher
wait $watcher 2>/dev/null
like "$out" '1 boot passed' "and says so"
wait $emulated
for dir in runs/*/*; do [ -e "$dir/console.err" ] && break; done
like "$(cat "$dir/console.log")" '^Linux version 6' "its console has what the kernel said"
unlike "$(cat "$dir/console.log")" '"seq"|[[:cntrl:]]f0000' "and no records"
like "$(head -1 "$dir/records.jsonl")" '"nonce":"[0-9a-f]{32}"' "its hello bears a nonce"
awk -v a="$(switch_of emulated.db)" -v b="$(switch_of good.db)" \
	'BEGIN { d = b / a - 1; printf "# switch: %s emulated, %s over IPMI: %+.4f %%\n", a, b, 100 * d
	exit !(a > 0 && d < 0.005 && d > -0.005) }'
ok $? "and the numbers are those of the emulated host, within 0.5 %"
is "$($MACHINE get power boot | tr '\n' ' ')" "power:0 boot:none " "the machine is off, and boots as ever again"
[ ! -e m/media.iso ]
ok $? "the image with the boot's key is gone"
cp m/wire.log replay

# ---- secrets ----

grep -q ipmitool ps.log
ok $? "ipmitool was seen while it ran"
grep -qF "$BMC_PASSWORD" ps.log
is $? 1 "the password is in no argument and no environment"
grep -rqF "$BMC_PASSWORD" runs good.db ./*.out
is $? 1 "nor in a log, a run folder or the database"

# ---- it boots something else ----

host hasty ''
sed -i 's/"boot_limit_s": 300/"boot_limit_s": 10/' hasty.json
$MACHINE fault stuck 1 >/dev/null
$MACHINE fault replay "$TMP/replay" >/dev/null
out=$(run ./hasty.json hasty.db)
like "$out" 'started something else' "a host that boots something else is told from a kernel that hangs"
like "$out" "line after 10 s: (Press a key|PXE)" "with what the console said last"
like "$out" '[0-9]+ lines of records were refused' "and another boot's records were refused, on the way"
is "$(boot_of hasty.db "class || ' ' || (select count(*) from metric)")" "infrastructure 0" \
	"it is infrastructure, and has no number"

# ---- its event log ----

cat >event <<-'END'
	0x04 0x07 0x01 0x6f 0x0b 0xff 0xff # Processor, machine check
END
run ./hasty.json event.db >event.out &
event=$!
machine_is_on
bmc sel add event >/dev/null 2>&1
wait $event
like "$(cat event.out)" 'the machine itself failed: the BMC.s event log has "Processor #0x01, Uncorrectable machine check' \
	"a failed boot of a machine that logged a machine check"
is "$(boot_of event.db class) $(find runs -name sel.log -exec cat {} + | wc -l)" "infrastructure 1" \
	"is infrastructure, and the log is in the run folder"

# ---- its console is taken by another ----

host watched '"silence_s": 1,'
sed -i 's/"boot_limit_s": 300/"boot_limit_s": 60/' watched.json
run ./watched.json watched.db >watched.out &
watched=$!
machine_is_on
bmc sol deactivate >/dev/null 2>&1
(sleep 60 | bmc sol activate >thief.out 2>&1) &
thief=$!
wait $watched
like "$(cat watched.out)" 'another session has taken the console|gave no line.*already active' \
	"a theft of the console is noticed"
is "$(boot_of watched.db class)" infrastructure "and is infrastructure"
kill $thief 2>/dev/null
pkill -P $thief 2>/dev/null
bmc sol deactivate >/dev/null 2>&1

# ---- Ctrl-C ----

$MACHINE fault stuck 0 replay /dev/null >/dev/null
ulimit -c unlimited
timeout 1800 "$NESTLAB" run tiny.json --kernel baseline --boots 1 --host ./good.json --db int.db >int.out 2>&1 &
machine_is_on
first=$!
like "$(run ./good.json second.db)" "another nestlab|is in use|busy" "a second nestlab is kept from the host"
# With a cache of its own, as another computer has: it sees who has the console.
mkdir -p another
ln -s "${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}"/[!h]* another/
# It has remains of a crash of its own, from when the host was its.
mkdir another/hosts
for journal in "${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}"/hosts/*.state; do
	python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); j.pop("sol", None); json.dump(j, open(sys.argv[2], "w"))' \
		"$journal" "another/hosts/${journal##*/}"
done
console_is_taken() { ! bmc raw 0x06 0x4b 0x01 0x01 2>/dev/null | grep -q '^ 00 00 00 00'; }
await console_is_taken
out=$(NESTLAB_CACHE=$TMP/another run ./good.json other.db)
like "$out" 'busy: session( [0-9a-f]{2}){4} .*has the console' "nor does one on another computer start"
is "$($MACHINE get power | head -1)" "power:1" "which would have switched it off"
[ -e m/media.iso ]
ok $? "and what it left once is the other's now: it stays"
console=$(pgrep -P "$(pgrep -P $first nestlab)" ipmitool | head -1)
is "$(sed -n 's/^Max core file size *\([^ ]*\) *\([^ ]*\) .*/\1 \2/p' "/proc/$console/limits")" "0 0" \
	"an ipmitool that crashed would leave no core file with a password in it"
kill -INT "$(pgrep -P $first nestlab)" # timeout would pass it on twice, and a second Ctrl-C means something else
wait $first
is "$($MACHINE get power | head -1)" "power:0" "Ctrl-C switches the machine off"
[ ! -e m/media.iso ]
ok $? "and takes the image away"

# ---- a nestlab that is killed ----

timeout 1800 "$NESTLAB" run tiny.json --kernel baseline --boots 1 --host ./good.json --db kill.db >kill.out 2>&1 &
machine_is_on
pkill -9 -P $! nestlab
wait $! 2>/dev/null
is "$($MACHINE get power | head -1)" "power:1" "a nestlab that is killed leaves the machine on"
out=$("$NESTLAB" host rescue ./good.json 2>&1)
like "$out" 'switched it off' "host rescue switches it off"
is "$(bmc raw 0x06 0x4b 0x01 0x01 | cut -c1-12)" " 00 00 00 00" "and gives its console back"
is "$($MACHINE get power boot | tr '\n' ' ')" "power:0 boot:none " "and clears the boot device"
[ ! -e m/media.iso ]
ok $? "and removes the image"
plan_done
