#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The redfish driver against a BMC of our own (tests/lib/bmc.py), with makes' habits and with faults. Most boots
# are of a fake machine that fetches the image and says what an agent would; redfish_boot.t has real ones.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"
. "$TOP/tests/lib/redfish.sh"

export NESTLAB_CACHE=$TMP/cache
export NESTLAB_ROOT=$TMP/root
mkdir -p "$NESTLAB_ROOT/hosts"
build_boot || { ok 1 "the tests' boot program builds"; plan_done; }
# Anything that starts like a kernel will do: nothing runs it.
{ head -c 514 /dev/zero; printf HdrS; head -c 3000 /dev/zero; } >"$TMP/kernel"
image=$("$BOOT" image "$TMP/kernel" "$TINY" "a plan") || { ok 1 "an image"; plan_done; }

boot() { # boot HOST: what came of it; its run directory is $TMP/run-HOST
	rm -rf "$TMP/run-$1"
	timeout 600 "$BOOT" host "$image" "$TMP/run-$1" "$1"
}

# hold COMMAND...: a boot in the background, FIRST, which stands still when the command succeeds; kill -CONT lets it go on
hold() {
	rm -rf "$TMP/run-fake"
	"$BOOT" host "$image" "$TMP/run-fake" fake >"$TMP/held" &
	FIRST=$!
	await "$@"
	kill -STOP $FIRST
}
is_on() { grep -q '"On"' "$TMP/run-fake/redfish.log"; }

# ---- makes ----

for make in plain dell hpe lenovo supermicro ami openbmc sushy; do
	start_redfish $make --profile $make
	write_host $make
	out=$("$NESTLAB" host check $make)
	like "$out" "^$make: can run" "$make: can run"
	like "$(boot $make)" '^done: 2 records' "$make: an image boots"
	if [ $make = sushy ]; then # cannot be disabled there
		is "$(control '{}' | jq -c '[.power, .sessions, .media]')" '["Off",[],{"1":null}]' "$make: restored"
	else
		is_clean "$make: all is as it was"
	fi
	[ ! -e "$(journal)" ] || [ $make = sushy ]
	ok $? "$make: and nothing is left in the journal"
	stop_redfish
done

out=$("$NESTLAB" host list 2>&1)
like "$out" '^plain +redfish +cannot run' "a BMC that does not answer hides no other host"

ln -s "$TOP/kernels" "$TOP/scenarios" "$NESTLAB_ROOT/"
"$NESTLAB" run quick --host plain --kernel baseline --db "$TMP/none.db" >"$TMP/none" 2>&1
is "$? $(grep -c 'SKIP: host plain cannot run' "$TMP/none")" "125 1" "it is a skip, and no verdict"

# ---- what goes wrong on the way ----

start_redfish bmc
write_host fake
try() { # try JSON OUTCOME NAME
	control "{\"reset\": true, \"set\": $1}" >/dev/null
	like "$(boot fake)" "$2" "$3"
	is_clean "and all is as it was"
}
try '{"on_ignored": 1}' '^done' "an On that is taken and not followed is repeated"
try '{"insert_lies": 1}' '^done' "so is an insert that is said to be done"
try '{"busy": 2}' '^done' "503 with Retry-After is waited for"
try '{"session_table": 0}' '^done' "no free session: basic authentication"
try '{"tasks": true, "task_fails": true}' '^not started: .*task .*Exception.*the task could not' \
	"a task that fails is told with its message"
try '{"insert_lies": 99}' '^not started: media: .*shows no image' "an insert that never comes true: not switched on"
unlike "$(cat "$TMP/run-fake/redfish.log")" 'ResetType":"On"' "(it was not)"
try '{"error": "object", "refuses": ["Image"]}' '^not started: media: .*not supported' "a refusal is quoted"
write_host fake '{"boot_limit_s": 5}'
try '{"boots_disk": true}' '^not ours: .*something else.*fetched [0-9]+ bytes of the image' \
	"a host that boots its disk is no verdict"
try '{"slots": [], "boots_disk": true}' '^not ours: .*nobody fetched the image' \
	"and one that never asks for the image: so said"
try '{"boots_disk": "off"}' '^host failed: .*the BMC says that the machine is off' \
	"nor is a host that somebody switches off"
write_host fake

# ---- its event log ----

event() { # event JSON...: a boot that ends like a dead kernel, with these in the BMC's log
	write_host fake '{"boot_limit_s": 2}'
	control '{"reset": true, "set": {"boots_disk": true}}' >/dev/null
	control "{\"events\": [$(IFS=,; echo "$*")]}" >/dev/null
	boot fake
}
power='{"ago": -1, "Severity": "Critical", "SensorType": "Power Supply", "EntryCode": "Assert", "Message": "The input power for power supply 1 is lost.", "MessageId": "PSU0003"}'
like "$(event "$power")" '^host failed: 0 records: the machine itself failed: the BMC.s event log has "Critical: Power Supply Assert The input power for power supply 1 is lost. PSU0003"; what came of it: no word' \
	"a failed boot whose BMC logged a lost power supply is the machine's"
like "$(cat "$TMP/run-fake/sel.log")" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z Critical: Power Supply' "the log is in the run folder"
is_clean "and all is as it was"
old=${power/-1/3600}
like "$(event "$old" '{"ago": -1, "Severity": "OK", "Message": "The power supply \u001b[2J that failed is back."}' \
	'{"ago": -1, "Severity": "Warning", "SensorType": "Watchdog 2", "Message": "Hard reset."}')" \
	'^not ours: 0 records: no word' "what is older than the boot, in order again, or our own doing is no fault of the machine's"
is "$(wc -l <"$TMP/run-fake/sel.log") $(grep -c 'supply \\x1b\[2J that' "$TMP/run-fake/sel.log")" "2 1" "it is kept, cleaned; older entries are not"
for make in hpe lenovo supermicro openbmc; do
	own=("$RF" "$RF_URL" "$REDFISH_PIDS")
	start_redfish log-$make --profile $make
	write_host log-$make '{"boot_limit_s": 2}'
	control '{"reset": true, "set": {"boots_disk": true}}' >/dev/null
	control "{\"events\": [$power, ${power/Power Supply/Fan}, $power]}" >/dev/null
	like "$(boot log-$make)" '^host failed: 0 records: the machine itself failed' "$make: its event log is found"
	is "$(wc -l <"$TMP/run-log-$make/sel.log")" 3 "$make: and read, all of it"
	kill "${REDFISH_PIDS##* }"
	RF=${own[0]} RF_URL=${own[1]} REDFISH_PIDS=${own[2]}
done
own=("$RF" "$RF_URL" "${REDFISH_PIDS##* }")
start_redfish long --profile lenovo
write_host long '{"boot_limit_s": 2}'
control '{"reset": true, "set": {"boots_disk": true}}' >/dev/null
control "{\"events\": [$(for _ in $(seq 600); do printf '{"ago": 86400, "Message": "old"},'; done)$power]}" >/dev/null
like "$(boot long)" '^host failed: 0 records: the machine itself failed' "in a long list of links the newest entry is found"
ok $(($(grep -c 'GET .*/Entries/[0-9]' "$TMP/run-long/redfish.log") > 256)) "and at most 64 at each end of its two pages are fetched"
lost='{"ago": 1, "link": "https://elsewhere.example/1"}'
events() { control '{"reset": true, "set": {"boots_disk": true}}' >/dev/null; control "{\"events\": [$(IFS=,; echo "$*")]}" >/dev/null; boot long; }
like "$(events "$lost" "$power" "$lost")" '^host failed: 0 records: the machine itself failed' "entries that cannot be read do not hide the others"
is "$(grep -c 'not read: bmc-refused: GET .https://elsewhere.example/1.: not sent' "$TMP/run-long/sel.log")" 2 "and stand in the log as that"
like "$(events "$lost" "$lost" "$lost" "$lost" "$power")" '; its event log was not read: ' "with many the log is not read, so said"
kill "${REDFISH_PIDS##* }"
RF=${own[0]} RF_URL=${own[1]} REDFISH_PIDS=${own[2]}
write_host fake

# ---- who uses it, for other computers to see ----

control '{"reset": true, "set": {"power_lag": 0.7}}' >/dev/null
hold is_on
is "$(control '{}' | jq -r '.tag | sub(" [0-9]{10}$"; " TIME")')" "nestlab $(hostname | cut -c1-13) TIME" \
	"a machine in use says so in its AssetTag"
cp "$NESTLAB_ROOT/hosts/fake.json" "$NESTLAB_ROOT/hosts/other.json"
out=$(NESTLAB_CACHE=$TMP/another boot other 2>&1) # a cache of its own, as another computer has
like "$out" "^not started: busy: the BMC says that nestlab on $(hostname | cut -c1-13) uses it, until 20.* UTC at the latest" \
	"a nestlab on another computer does not start there"
kill -CONT $FIRST
wait $FIRST
like "$(cat "$TMP/held")" '^done' "and does not disturb the first"
is_clean "whose claim is gone afterwards"
claim() { # claim TAG OUTCOME NAME
	control '{"reset": true}' >/dev/null
	control "{\"tag\": \"$1\"}" >/dev/null
	like "$(boot fake 2>&1)" "$2" "$3"
}
claim 'nestlab elsewhere 1000000000' '^nestlab: the BMC has a claim of nestlab on elsewhere that has run out' "a stale claim is told as stale"
like "$(control '{}' | jq -r .tag)" '^$' "written over, and taken away"
claim 'nestlab elsewhere 4000000000' '^not started: busy: .*elsewhere uses it, until 2096-10-02' "one that has not run out is heeded"
like "$(control '{}' | jq -r .tag)" '^nestlab elsewhere 4000000000$' "and left alone"
like "$("$NESTLAB" host check fake)" 'can +claimed by: nestlab on elsewhere, until 2096' "host check tells of it"
claim 'rack 7, left' '^done' "a site's own tag keeps nobody away"
is "$(control '{}' | jq -r .tag)" 'rack 7, left' "and is left alone"
for tag in 'nestlab rack 42' 'nestlab rack 4000000000 left' 'nestlabrack 1000000000' 'nestlab x -5' \
	'nestlab \u001b[2J 1000000000' 'nestlab x 99999999999999999999'; do
	claim "$tag" '^done' "only what nestlab writes is a claim: $tag"
	is "$(control '{}' | jq .tag)" "\"$tag\"" "and it is left alone"
done
control '{"reset": true, "set": {"tag_max": 20}}' >/dev/null
like "$(boot fake)" '^done' "a BMC that cuts its tag is used without"
is "$(control '{}' | jq -r .tag)" "" "and keeps no half claim"
control '{"reset": true, "set": {"tag": "forgotten"}}' >/dev/null
like "$(boot fake)" '^done' "a BMC that forgets its tag is used without"
is_clean "and all is as it was"

control '{"reset": true}' >/dev/null
control '{"expire": true}' >/dev/null
like "$(boot fake)" '^done' "no session left over matters"
control '{"reset": true, "set": {"power_lag": 0.7}}' >/dev/null
hold is_on
control '{"expire": true}' >/dev/null
kill -CONT $FIRST
wait $FIRST
like "$(cat "$TMP/held")" '^done' "nor does one that the BMC loses in the middle"
is_clean "and none is left"

control '{"reset": true, "set": {"more_systems": [], "targets": ["None", "Pxe"]}}' >/dev/null
like "$(boot fake)" '^not started: unfit: .*no way in for an image' "a host without a way in says so"
is_clean "and is left as it was"

# ---- who may ----

printf 'user=nestlab\npassword=wrong\n' >"$TMP/wrong"
chmod 600 "$TMP/wrong"
write_host wrong "{\"credentials\": \"file:$TMP/wrong\"}"
control '{"reset": true}' >/dev/null
like "$(boot wrong)" '^not started: bmc-auth: .*does not take' "a wrong password is told"
is "$(grep -c Sessions "$TMP/run-wrong/redfish.log")" 1 "and tried once: accounts get locked"
chmod 644 "$TMP/wrong"
like "$(boot wrong)" 'wrong: others may read the password.*chmod 600' "a password that others can read is refused"
write_host wrong '{"credentials": "systemd:bmc"}'
like "$(boot wrong)" 'systemd gave no credentials' "systemd's credentials need systemd"
mkdir "$TMP/credentials"
cp -p "$TMP/cred" "$TMP/credentials/bmc"
control '{"reset": true}' >/dev/null
like "$(CREDENTIALS_DIRECTORY=$TMP/credentials boot wrong)" '^done' "and are read from where it puts them"

# ---- one at a time ----

control '{"reset": true, "set": {"power_lag": 0.7}}' >/dev/null
hold test -s "$(journal)"
out=$("$NESTLAB" host rescue fake 2>&1)
is $? 128 "rescue of a host in use is refused"
like "$out" 'busy: host fake is used by another nestlab \(process [0-9]+\)' "and says by whom"
cp "$NESTLAB_ROOT/hosts/fake.json" "$NESTLAB_ROOT/hosts/same.json"
boot same >"$TMP/second" 2>"$TMP/waits" &
second=$!
await grep -q 'busy: .*waiting' "$TMP/waits"
ok $? "a second boot by another host file waits for the BMC, and says so"
kill -CONT $FIRST
wait $FIRST
like "$(cat "$TMP/held")" '^done' "it does not disturb the first"
wait $second
like "$(cat "$TMP/second")" '^done: 2 records: $' "and is done afterwards"

# ---- a cancel, and a kill ----

running() { # running SETTING: a boot in the background that is in its provisioning; sets BOOT_PID
	control "{\"reset\": true, \"set\": $1}" >/dev/null
	run=$TMP/run-fake
	rm -rf "$run"
	"$BOOT" host "$image" "$run" fake >"$TMP/background" 2>&1 &
	BOOT_PID=$!
	await grep -q "$2" "$run/redfish.log"
}
running '{"insert_lies": 99}' InsertMedia
kill -INT $BOOT_PID
wait $BOOT_PID
like "$(cat "$TMP/background")" 'not started: cancelled' "Ctrl-C in the middle of an insert cancels"
is_clean "and undoes it"

running '{"boots_disk": true}' 'ResetType":"On"'
bmc=${REDFISH_PIDS##* }
kill -STOP $bmc # it answers nothing
ended_by_int() { ! kill -INT $BOOT_PID 2>/dev/null; }
await ended_by_int
wait $BOOT_PID
kill -CONT $bmc
like "$(grep undone: "$TMP/background")" 'second Ctrl-C; the machine may be on; the drive /[^ ]+ may have our image; what it boots next' \
	"a second Ctrl-C ends what undoes, and says what is left"
ok "$("$NESTLAB" host rescue fake >/dev/null; echo $?)" "which host rescue undoes"
is_clean "all of it"

running '{"boots_disk": true}' 'ResetType":"On"'
kill -KILL $BOOT_PID
{ wait $BOOT_PID; } 2>/dev/null
is "$(control '{}' | jq -c '[.power, (.sessions | length)]')" '["On",1]' "kill -9 leaves a host that is on"
out=$("$NESTLAB" host rescue fake)
ok $? "host rescue"
like "$out" 'the machine is off' "switches it off"
like "$out" 'ended the session' "and ends the session"
is_clean "and all is as it was"
like "$("$NESTLAB" host rescue fake)" 'nothing is left' "then there is nothing left to do"

running '{"boots_disk": true}' 'ResetType":"On"'
kill -KILL $BOOT_PID
{ wait $BOOT_PID; } 2>/dev/null
control '{"tag": "nestlab elsewhere 4000000000"}' >/dev/null
like "$("$NESTLAB" host rescue fake)" 'another nestlab has claimed the machine: it is left alone' \
	"what another nestlab uses by now is no remains of ours"
is "$(control '{}' | jq -c '[.power, .sessions]')" '["On",[]]' "and stays on; our session is ended"

running '{"boots_disk": true}' 'ResetType":"On"'
kill -KILL $BOOT_PID
{ wait $BOOT_PID; } 2>/dev/null
control '{"set": {"boots_disk": false}}' >/dev/null
like "$(boot fake)" '^done' "the next boot undoes it, too"
is_clean "all of it"

# ---- each call, each fault (a sample: tests/bench/redfish-faults.sh has all) ----

out=$(timeout 1200 "$TOP/tests/lib/faults.py" "$TMP/faults" "$BOOT" "$NESTLAB" "$image" --every 13 --jobs 6)
ok $? "no fault of a BMC judges a kernel, or leaves anything that rescue does not undo"
sed 's/^/# /' <<<"$out"

# ---- a BMC whose links lead elsewhere: what is sent goes to the BMC's address and to no other ----

start_redfish elsewhere
other=${RF_URL#http://}
other_dir=$RF
leads() { # leads LINK NAME REGEX: what a check says of a BMC whose systems are there
	RF=$TMP/tree-$2
	jq -n --arg link "$1" --arg to "http://$other/redfish/v1/Systems" '{"/redfish/v1": {
		Links: {Sessions: {"@odata.id": "/redfish/v1/Sessions"}}, Systems: {"@odata.id": $link}},
		"/redfish/v1/Systems": $to}' >"$TMP/tree.json"
	start_tree "$TMP/tree.json"
	write_host leads
	like "$("$NESTLAB" host check leads)" "$3" "a BMC with $2: refused"
	[ ! -e "$other_dir/requests.log" ]
	ok $? "and nobody else was asked"
}
leads "@$other/redfish/v1/Systems" "a link behind which another host is" 'has to be a path on itself'
leads ".$other/redfish/v1/Systems" "a link that makes its name longer" 'has to be a path on itself'
leads /redfish/v1/Systems "a redirect to another host" 'status 301'

# ---- certificates ----

start_redfish tls --tls
write_host tls
like "$(boot tls)" '^not started: bmc-certificate: .*nestlab host trust' "nothing is said of whom to trust: refused"
[ ! -e "$RF/requests.log" ]
ok $? "and nothing was asked"
out=$("$NESTLAB" host trust tls)
ok $? "host trust"
want=$(openssl x509 -in "$RF/cert.pem" -noout -pubkey | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1)
like "$out" "its key is sha256:$want" "shows the key that the BMC has"
like "$out" 'CN=wrong.example' "and its certificate's name"
like "$(boot tls)" '^done' "from then on it is talked to"
pin=$(cat "$NESTLAB_ROOT/hosts/tls.pin")
write_host pinned "{\"tls\": {\"pin\": \"$pin\"}}"
like "$("$NESTLAB" host check pinned)" 'pinned: can run' "a pin in the host file"
asked=$(wc -l <"$RF/requests.log")
write_host pinned "{\"tls\": {\"pin\": \"sha256:$(printf '0%.0s' {1..64})\"}}"
like "$("$NESTLAB" host check pinned)" 'missing +bmc-certificate' "another key is refused"
is "$(wc -l <"$RF/requests.log")" "$asked" "before anything is sent"
write_host ca "{\"tls\": {\"ca\": \"$RF/cert.pem\"}}"
like "$("$NESTLAB" host check ca)" 'missing +bmc-certificate' "a CA's file: the name has to be right, too"

for pin in x "sha256:$(printf 'z%.0s' {1..64})" "sha256:$(printf '0%.0s' {1..65})" ''; do
	printf '%s\n' "$pin" >"$NESTLAB_ROOT/hosts/tls.pin"
	like "$("$NESTLAB" host check tls)" 'tls.pin: not sha256: and 64 hex digits' "a kept pin that is none ($pin)"
done

printf 'no certificate\n' >"$TMP/garbage"
write_host ca "{\"tls\": {\"ca\": \"$TMP/garbage\"}}"
unlike "$("$NESTLAB" host check ca)" 'trust' "a CA's file that is none is no reason to trust a BMC anew"
like "$("$NESTLAB" host check ca)" 'certificate file: .*garbage: look at the host file' "but said so"

# ---- host files ----

wrong() { # wrong JSON REGEX NAME
	write_host bad "$1"
	like "$("$NESTLAB" host check bad 2>&1)" "$2" "$3"
}
wrong '{"bmc": "http://192.0.2.1"}' 'bad.json: .*bmc: .*"tls": "none"' "plain http to another machine has to be asked for"
wrong '{"bmc": "https://u:p@192.0.2.1"}' 'bad.json: .*bmc: expected https' "no user in a URL"
wrong '{"credentials": "nestlab:secret"}' 'bad.json: .*credentials: expected file' "no password in a host file"
wrong '{"tls": {"pin": "x"}}' 'bad.json: \$.tls: expected sha256' "a pin is a pin"
wrong '{"image_url": "https://127.0.0.1"}' 'bad.json: .*image_url: .*expected http://ADDRESS' "images go by http"
wrong '{"console": "ttyS0"}' 'bad.json: .*console: expected .*command' "a console needs a command"
wrong '{"system": "@192.0.2.9/"}' 'bad.json: .*system: expected a path' "a system is a path"
wrong '{"bootpath": "x"}' 'bad.json: .*bootpath' "an unknown key is named"
rm "$NESTLAB_ROOT/hosts/bad.json"

# ---- one machine, however its address is written ----

key_of() { # key_of BMC: the name of what locks it
	rm -rf "$TMP/keys"
	write_host named "{\"bmc\": \"$1\", \"connect_limit_ms\": 100, \"tls\": {\"pin\": \"sha256:$(printf '0%.0s' {1..64})\"}}"
	NESTLAB_CACHE=$TMP/keys "$NESTLAB" host check named >/dev/null 2>&1
	(cd "$TMP/keys/hosts" && echo ./*.lock)
}
is "$(key_of https://LocalHost:443)" "$(key_of https://localhost)" "a usual port, and capitals, make no other machine"
unlike "$(key_of https://localhost:444)" "^$(key_of https://localhost)\$" "another port does"
lock=$(key_of https://localhost)
jq -n --arg cred "file:$TMP/cred" '{driver: "ipmi", bmc: "LocalHost:623", credentials: $cred, boot: "cdrom",
	image_file: "/nonexistent/media.iso", image_url: "http://127.0.0.1"}' >"$NESTLAB_ROOT/hosts/by-ipmi.json"
like "$(NESTLAB_CACHE=$TMP/keys flock "$TMP/keys/hosts/$lock" "$NESTLAB" host rescue by-ipmi 2>&1)" 'busy: host by-ipmi is used' \
	"a BMC that redfish has is busy for ipmi, too"
echo '{' >"$TMP/keys/hosts/${lock%.lock}.state"
like "$(NESTLAB_CACHE=$TMP/keys "$NESTLAB" host rescue by-ipmi 2>&1)" "${lock:2:16}.state.*what a crashed run left" "and they share the journal"
rm "$NESTLAB_ROOT/hosts/named.json" "$NESTLAB_ROOT/hosts/by-ipmi.json"

# ---- a journal that cannot be read ----

start_redfish damaged
write_host damaged
mkdir -p "$NESTLAB_CACHE/hosts"
echo '{' >"$(journal)"
like "$("$NESTLAB" host check damaged 2>&1)" "$(journal).*remove the file" "host check tells of it: no run could begin"
rm "$(journal)"
like "$("$NESTLAB" host check damaged)" '^damaged: can run' "and without the file it can run"

# ---- secrets ----

# Everything that was written: logs, run directories, cache; and the process while it runs.
RF=$TMP/bmc
RF_URL=$(cat "$RF/url")
running '{"boots_disk": true}' 'ResetType":"On"'
printf '%s\n' "$RF_PASSWORD" >"$TMP/pattern" # not an argument of grep's
found=$(cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -cF -f "$TMP/pattern")
is "$found" 0 "the password is in no process' arguments or environment"
ulimit -c unlimited
kill -ABRT $BOOT_PID
{ wait $BOOT_PID; } 2>/dev/null
core=$(find "$TMP" . -maxdepth 2 -name 'core*' -newer "$run/redfish.log" -type f 2>/dev/null | head -1)
[ -z "$core" ]
ok $? "a crash leaves no core file"
{ python3 -c 'import os, sys; os.chdir(sys.argv[1]); os.abort()' "$TMP"; } 2>/dev/null
if [ "$(cat /proc/sys/kernel/core_pattern)" = core ]; then
	ok "$([ -s "$TMP/core" ]; echo $?)" "where another program's does"
else
	skip "where another program's does" "cores go elsewhere here (kernel.core_pattern)"
fi
rm -f "$TMP/core"
"$NESTLAB" host rescue fake >"$TMP/rescued" 2>&1
is "$(grep -rlF "$RF_PASSWORD" "$TMP" --exclude=cred --exclude=pattern --exclude-dir=credentials --exclude-dir=faults 2>/dev/null | head -3)" "" \
	"nor is it in any file that nestlab wrote"

is "$(stat -c %a "$TMP/run-fake/redfish.log" "$NESTLAB_CACHE/hosts" | xargs)" "600 700" \
	"the URL of a boot is nobody else's to read"

# ---- recorded services ----

trees=${NESTLAB_REDFISH_TREES:-/work/shared/redfish-trees}
walk() { # walk FILE SYSTEM DRIVE
	[ -r "$trees/$1" ] || { skip "$1: the driver finds its way" "no $trees/$1"; return; }
	RF=$TMP/tree-$1
	start_tree "$trees/$1"
	write_host tree
	out=$("$NESTLAB" host check tree)
	like "$out" "can +system: $2\$" "$1: the driver finds the system"
	like "$out" "can +drive: $3\$" "$1: and the drive"
}
walk dell-r750-idrac9-7.10.json /redfish/v1/Systems/System.Embedded.1 /redfish/v1/Systems/System.Embedded.1/VirtualMedia/1
walk hpe-dl385-ilo5.json /redfish/v1/Systems/1 /redfish/v1/Managers/1/VirtualMedia/2
walk dmtf-rackmount1.json /redfish/v1/Systems/437XR1138R2 /redfish/v1/Systems/437XR1138R2/VirtualMedia/CD1

plan_done
