#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What nestlab's output goes to: a pipe whose reader has gone, a full disk, a limit on the size of files, a
# dumb terminal, a narrow one. And errors that leave nothing behind.
set -u
. "$(dirname "$0")/../lib/tap.sh"
make_db=$TOP/${BUILD:-build}/tests/test_report_fixture
[ -x "$make_db" ] || skip_all "$make_db is not built (make unit-programs)"
cd "$TMP" || exit 1
unset COLUMNS
for kind in part wrong; do
	"$make_db" $kind $kind.db || exit 1
done

# ---- a pipe that nothing reads ----

# abandoned FD... -- PROGRAM...: runs it with these descriptors on a pipe without a reader, the others in out
# and err; prints the exit status as a shell would
cat >abandoned.py <<'PY'
import os, subprocess, sys
at = sys.argv.index("--")
r, w = os.pipe()
os.close(r)
files = {1: open("out", "wb"), 2: open("err", "wb")}
for fd in sys.argv[1:at]:
    files[int(fd)] = w
status = subprocess.run(sys.argv[at + 1:], stdin=subprocess.DEVNULL, stdout=files[1], stderr=files[2]).returncode
print(status if status >= 0 else 128 - status)
PY
abandoned() { python3 abandoned.py "$@"; }
for format in html json text csv ktap; do
	is "$(abandoned 1 -- "$NESTLAB" report baseline nested-context --db part.db --format $format)$(cat err)" 141 \
		"report --format $format ends by SIGPIPE and says nothing"
done
is "$(abandoned 1 -- "$NESTLAB" compare baseline nested-context --db part.db)$(cat err)" 141 "so does compare"
is "$(abandoned 1 -- "$NESTLAB" kernel list)$(cat err)" 141 "and kernel list"
is "$(abandoned 1 -- "$NESTLAB" --help)$(cat err)" 141 "and --help"
is "$(abandoned 1 2 -- "$NESTLAB" run)" 141 "a usage error that nobody reads ends so, too"
is "$(abandoned 2 -- "$NESTLAB" run no-such --kernel baseline --db x.db)" 141 "and any other error"
"$NESTLAB" report baseline nested-context --db part.db --format csv >/dev/full 2>err
is $? 128 "a full disk is no pipe: fatal"
like "$(cat err)" 'No space left on device' "which is said"
is "$(wc -l <err)" 1 "once"

# what runs is cancelled, and leaves nothing running
. "$TOP/tests/lib/fake-kernel.sh"
(
	fake_lab "$TMP/lab"
	mkdir "$TMP/gate" && mkfifo "$TMP/gate/started" "$TMP/gate/go"
	export FAKE_GATE=$TMP/gate
	mkfifo progress
	"$NESTLAB" kernel build root >out 2>progress &
	nestlab=$!
	exec 5<progress
	read -r started <gate/started # make waits
	exec 5<&-                     # and nobody reads any more what nestlab says
	kill -TERM $nestlab # it has something to say: that it was cancelled
	wait $nestlab
	echo $? >status
)
is "$(cat status)" 141 "a build whose messages nobody reads ends by SIGPIPE"

# ---- a limit on the size of files ----

(ulimit -f 64; "$NESTLAB" report baseline nested-context --db part.db --format html -o big.html) 2>err
is $? 128 "a file above the limit (ulimit -f) is an error"
like "$(cat err)" 'big.html: .*File too large' "that names the file"
[ ! -e big.html ]
ok $? "and leaves none"
echo before >whole
ln -s whole link
(ulimit -f 64; "$NESTLAB" report baseline nested-context --db part.db --format html -o link) 2>err
is "$(cat link)" before "where a link leads to, a file stays as it was"
"$NESTLAB" report baseline nested-context --db part.db --format csv -o link
is "$(readlink link) $(head -c 4 whole)" "whole scen" "and is replaced by a whole one, while the link stays"
(ulimit -f 64; "$NESTLAB" report baseline nested-context --db part.db --format html >big.html) 2>err
is $? 128 "likewise on stdout"
is "$(cat err)" "nestlab: error: stdout: cannot write: File too large" "and is said once"
(ulimit -f 1; "$NESTLAB" run quick --kernel baseline --db limited.db) 2>err
is $? 128 "a database above the limit is an error"
like "$(cat err)" 'limited.db: .*ulimit -f' "that names file and limit"

# ---- terminals ----

cat >terminal.py <<'PY'
import os, pty, sys, struct, fcntl, termios
columns = int(sys.argv[1])
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
out = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    out += data
os.waitpid(pid, 0)
sys.stdout.buffer.write(out.replace(b"\r\n", b"\n"))
PY
on_terminal() { python3 terminal.py "$@"; } # on_terminal COLUMNS PROGRAM...: what it prints
widest() { # columns, of which a wide character takes two
	sed 's/\x1b\[[0-9;]*m//g' | python3 -c '
import sys, unicodedata
width = lambda line: sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line.rstrip("\n"))
print(max(width(line) for line in sys.stdin))'
}
compare=("$NESTLAB" compare baseline nested-context --all)
like "$(TERM=xterm on_terminal 100 "${compare[@]}" --db wrong.db)" $'\x1b' "a terminal gets colour"
unlike "$(TERM=dumb on_terminal 100 "${compare[@]}" --db wrong.db)" $'\x1b' "a dumb one does not"
unlike "$(NO_COLOR=1 TERM=xterm on_terminal 100 "${compare[@]}" --db wrong.db)" $'\x1b' "nor with NO_COLOR"
unlike "$("${compare[@]}" --db wrong.db)" $'\x1b' "nor a pipe"
for columns in 40 60 80 120; do
	for kind in part wrong; do
		TERM=xterm on_terminal $columns "${compare[@]}" --db $kind.db >out
		ok "$([ "$(widest <out)" -le $columns ]; echo $?)" "compare of $kind fits $columns columns"
	done
	for command in "kernel list" "kernel show nested-context" "scenario list" "scenario check quick full" "host list" --help "run --help"; do
		[ $columns -lt 60 ] && continue # words of usage may be longer
		TERM=xterm on_terminal $columns "$NESTLAB" $command >out # words of their own
		ok "$([ "$(widest <out)" -le $columns ]; echo $?)" "$command fits $columns columns"
	done
done

# words that are longer than a line, as names and as what is said of them
name=$(printf 'n%.0s' {1..60})
long=$(printf 'w%.0s' {1..100})
mkdir -p home/nestlab/{kernels,scenarios,hosts}
jq -n --arg d "$long" '{base: "baseline", description: $d}' >home/nestlab/kernels/"$name.json"
jq --arg d "$long" '.description = $d' "$TOP/scenarios/quick.json" >home/nestlab/scenarios/"$name.json"
echo "{ \"driver\": \"$long\" }" >home/nestlab/hosts/"$name.json"
cp part.db long.db
sqlite3 long.db "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE tbl_name = 'run' AND type = 'trigger'" |
	sqlite3 long.db
sqlite3 long.db "UPDATE run SET kernel_name = '$long' WHERE kernel_name = 'nested-context'"
wide=$(printf '日本語%.0s' {1..20})
jq -n --arg d "$wide" '{base: "baseline", description: $d}' >home/nestlab/kernels/wide.json
for columns in 40 60 80; do
	for command in "kernel list" "scenario list" "host list" "compare baseline $long --all --db long.db"; do
		XDG_CONFIG_HOME=$PWD/home TERM=xterm on_terminal $columns "$NESTLAB" $command >out
		ok "$([ "$(widest <out)" -le $columns ]; echo $?)" "${command%% --*}: long words fit $columns columns"
		like "$(tr -d '[:space:]' <out)" "$long" "${command%% --*}: and are whole but for that"
	done
	XDG_CONFIG_HOME=$PWD/home TERM=xterm on_terminal $columns "$NESTLAB" kernel show wide >out
	ok "$([ "$(widest <out)" -le $columns ]; echo $?)" "kernel show: wide characters fit $columns columns"
	like "$(tr -d '[:space:]' <out)" "description:$wide" "and are whole but for that"
done

TERM=xterm on_terminal 60 "${compare[@]}" --db part.db >out
is "$(sed 's/\x1b\[[0-9;]*m//g' out | grep -c 'verdict: ')" 11 "no verdict is lost on the way"
ok "$([ "$(COLUMNS=60 "${compare[@]}" --db part.db | widest)" -le 60 ]; echo $?)" "COLUMNS says how wide a pipe is"
is "$(COLUMNS=40 "${compare[@]}" --json --db part.db | jq -S .)" "$("${compare[@]}" --json --db part.db | jq -S .)" \
	"JSON is the same at any width"
like "$("${compare[@]}" --db part.db)" '^  metric .* verdict$' "without it a pipe gets one row a line"
COLUMNS=60 "$NESTLAB" report baseline nested-context --db part.db --format text >out
ok "$([ "$(sed '/^    /d; / /!d' out | widest)" -le 60 ]; echo $?)" \
	"a report on stdout fits, too, but for what is to be copied: commands, a word as long as a hash"
COLUMNS=60 "$NESTLAB" report baseline nested-context --db part.db --format text -o out
"$NESTLAB" report baseline nested-context --db part.db --format text -o out100
cmp -s out out100
ok $? "a file is the same whatever the terminal is"

# ---- -h ----

for command in "" run compare bisect test "kernel build" "kernel import" "scenario list" "host check" \
	"report signoff" "db check" help complete; do
	"$NESTLAB" $command -h >out 2>err </dev/null
	is "$?$(grep -c '^usage: ' out)$(cat err)" 01 "nestlab $command -h"
done
"${NESTLAB%/*}/nestlab-agent" -h >out 2>err
is "$?$(grep -c '^usage: ' out)$(cat err)" 01 "nestlab-agent -h"

# ---- errors name what the user gave, and leave nothing ----

mkdir here && cd here || exit 1
probe=(--scenario multiplex --metric switch --db here.db)
wrong() { # wrong NAME REGEX ARGUMENT...
	local name=$1 regex=$2 out
	shift 2
	out=$("$NESTLAB" "$@" 2>&1)
	is "$?" 128 "$name: fatal"
	like "$out" "$regex" "$name: says so"
	is "$(ls -A)" "" "$name: leaves nothing"
}
git init -q ../repo
wrong "a parameter out of range" '^nestlab: error: --param l2_vcpus=0: 0 is not within 1\.\.256$' \
	test ../repo "${probe[@]}" --limit 1 --param l2_vcpus=0
wrong "a parameter of another type" '^nestlab: error: --param l2_vcpus=x: expected a whole number' \
	bisect --series nested-context "${probe[@]}" --param l2_vcpus=x
wrong "an unknown parameter" '^nestlab: error: --param l2_cpus=3: unknown key "l2_cpus"; did you mean "l2_vcpus"\?$' \
	bisect --series nested-context "${probe[@]}" --param l2_cpus=3
wrong "a parameter without a value" '^nestlab: error: --param memory: expected NAME=VALUE$' \
	bisect --tree ../repo --good a --bad b "${probe[@]}" --param memory
wrong "an unknown kind of scenario" '^nestlab: error: --scenario nope: ' \
	bisect --series nested-context --scenario nope --metric switch --db here.db
wrong "no git repository" '^nestlab: error: --tree: [^ ]*/here: no git repository; name a git work tree of the kernel' \
	bisect --tree . --good a --bad b "${probe[@]}"
wrong "no git repository for a test" '^nestlab: error: [^ ]*/here: no git repository' test . "${probe[@]}" --limit 1
wrong "no such folder" '^nestlab: error: --tree: [^ ]*/nosuch: no such folder$' \
	bisect --tree nosuch --good a --bad b "${probe[@]}"
wrong "an unknown policy" '^nestlab: error: --policy nope: no such file, .* there are: quick release$' \
	report signoff --policy nope --base baseline --new nested-context --db ../part.db -o so
wrong "a policy's path that is none" 'there are: quick release$' \
	report signoff --policy ./nope.json --base baseline --new nested-context --db ../part.db -o so

plan_done
