#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each way a run can go wrong gives its own clear error and class, leaves a sound database and no
# process, and the next run works.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
kernels=$TOP/tests/kernels
sql() { sqlite3 "$db" "$1"; }
last_class() { sql "SELECT coalesce(class, 'ok') FROM run ORDER BY id DESC LIMIT 1"; }
sound() {
	"$NESTLAB" db check --db "$db" >"$TMP/check" 2>&1
	ok $? "$1: the database passes its check"
}
emulators() { pgrep -f "bochs.*$TMP" | wc -l; }
none_runs() { [ "$(emulators)" = 0 ]; }
gone() {
	await none_runs
	is "$(emulators)" 0 "$1: no emulator is left"
}

cat >"$TMP/small.json" <<-END
	{ "scenarios": [ { "scenario": "multiplex", "l2_vcpus": 2, "rounds": 20, "warmup": 2 } ] }
END
cat >"$TMP/impatient.json" <<-END
	{ "driver": "emulated", "progress_limit_s": 10 }
END
run() { # run KERNEL [OPTION...]: one boot of the small scenario; output in $out, status in $status
	local kernel=$1
	shift
	out=$("$NESTLAB" run "$TMP/small.json" --kernel "$kernel" --boots 1 --db "$db" "$@" 2>&1)
	status=$?
}

run "$kernels/panic.json"
is $status 1 "a kernel that panics: exit 1"
like "$out" 'guest: .*this kernel panics at boot' "and the panic's text is in the error"
like "$out" 'console: /.*console.log' "and the console's path"
is "$(last_class)" guest "class guest"
sound "panic"

run "$kernels/hang.json" --host "$TMP/impatient.json"
is $status 1 "a kernel that hangs: exit 1"
like "$out" 'guest: .*10 s' "the limit that ended it is named"
is "$(last_class)" guest "class guest"
gone "hang"
sound "hang"

run "$kernels/no-kvm.json"
is $status 125 "a kernel without KVM: exit 125"
like "$out" 'job: .*kvm_intel' "what is missing is named"
is "$(last_class)" job "class job"
sound "no KVM"

run baseline --kernel "$kernels/../../kernels/baseline.json"
is $status 128 "two kernels of one name: exit 128"
like "$out" 'two kernels have the same name' "and that is said"
out=$("$NESTLAB" run "$TMP/small.json" "$TMP/./small.json" --kernel baseline --db "$db" 2>&1)
like "$out" 'two scenarios have the same name' "two scenarios of one name: likewise"

# a bochs that damages what the real one wrote: one byte of the record stream is flipped
mkdir "$TMP/flip"
cat >"$TMP/flip/bochs" <<'END'
#!/bin/bash
while [ $# -gt 0 ]; do
	case $1 in -f) config=$2; shift ;; -rc) rc=$2; shift ;; esac
	shift
done
records=$(sed -n 's/^com2:.*dev="\{0,1\}\([^",]*\)"\{0,1\}.*/\1/p' "$config")
sed -i "/^com2:/s|$records|$records.raw|" "$config"
PATH=${PATH#*:} bochs -q -f "$config" -rc "$rc"
sed '0,/"count":/s//"cOunt":/' "$records.raw" >"$records"
END
chmod +x "$TMP/flip/bochs"
PATH=$TMP/flip:$PATH run baseline
is $status 125 "a flipped byte in the record stream: exit 125"
like "$out" 'infrastructure: .*(CRC|crc)' "the damage is named"
is "$(last_class)" infrastructure "class infrastructure"
sound "flipped byte"

# an emulator that is killed in mid-run, and a nestlab that is: of a kernel that hangs, for another's boot might be over by then
start() { # start KERNEL: a run in the background, whose emulator is there
	"$NESTLAB" run "$TMP/small.json" --kernel "$1" --boots 1 --db "$db" >"$TMP/out" 2>&1 &
	pid=$!
	until [ "$(emulators)" != 0 ] || ! kill -0 $pid 2>/dev/null; do read -rt 0.05 <> <(:); done
}
start "$kernels/hang.json"
pkill -KILL -f "bochs.*$TMP"
wait $pid
is $? 125 "a killed emulator: exit 125"
like "$(cat "$TMP/out")" 'infrastructure: ' "class infrastructure is said"
is "$(last_class)" infrastructure "class infrastructure"
sound "killed emulator"

before=$(sql 'SELECT count(*) FROM run')
start "$kernels/hang.json"
kill -KILL $pid
wait $pid 2>/dev/null
gone "kill -9 of nestlab"
is "$(sql 'SELECT count(*) FROM run')" "$before" "kill -9 of nestlab leaves no row"
sound "kill -9"

start "$kernels/hang.json"
kill -INT $pid
wait $pid
is $? 128 "Ctrl-C: exit 128"
like "$(cat "$TMP/out")" 'cancelled' "cancelled is said"
gone "Ctrl-C"
sound "Ctrl-C"

mkdir "$TMP/tiny"
if mount -t tmpfs -o size=4m none "$TMP/tiny" 2>/dev/null; then
	roomy=$db db=$TMP/tiny/x.db
	start baseline
	cat /dev/zero >"$TMP/tiny/fill" 2>/dev/null
	wait $pid
	is $? 128 "a disk that fills up in mid-run: exit 128"
	like "$(cat "$TMP/out")" '[Nn]o space|full' "the disk is blamed"
	rm "$TMP/tiny/fill"
	sound "a full disk"
	is "$(sql 'SELECT count(*) FROM run')" 0 "and there is no half row"
	umount "$TMP/tiny"
	db=$roomy
else
	skip "a full disk" "mounting a small tmpfs needs root"
fi

run baseline
is $status 0 "after all that, the next run works"
is "$(last_class)" ok "and is stored as passed"
sound "at the end"

plan_done
