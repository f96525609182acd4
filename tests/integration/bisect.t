#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab bisect and nestlab test where nothing can be built or booted: usage, requests that cannot
# be, what is left behind. The searches are in tests/unit/orchestrator/test_bisect*.c, real ones in tests/bench/.
set -u
. "$(dirname "$0")/../lib/tap.sh"

export NESTLAB_CACHE=$TMP/cache NESTLAB_ROOT=$TOP
db=$TMP/nestlab.db
repo=$TMP/repo
probe=(--scenario multiplex --metric switch --db "$db")

bisect() { out=$("$NESTLAB" bisect "$@" 2>&1); status=$?; }
test_tree() { out=$("$NESTLAB" test "$@" 2>&1); status=$?; }

git init -q -b main "$repo"
git -C "$repo" config user.name test
git -C "$repo" config user.email test@localhost
for n in 1 2 3; do
	echo "\$(error not a kernel, $n)" >"$repo/Makefile"
	git -C "$repo" add . && git -C "$repo" commit -q -m "commit $n" && git -C "$repo" tag "v$n"
done
before=$(git -C "$repo" show-ref; git -C "$repo" status --porcelain)

# ---- usage ----

bisect
is $status 129 "without a range: a usage error"
like "$out" "one of --tree, --series and --config" "which says what is missing"
bisect --tree "$repo" --good v1 --bad v3
is $status 129 "without a metric: a usage error"
bisect --tree "$repo" --good v1 "${probe[@]}"
like "$out" "--bad is missing" "without an end: says so"
bisect --config one "${probe[@]}"
like "$out" "FRAGMENT-B is missing" "--config with one fragment"
bisect --help
is $status 0 "--help"
like "$out" "git bisect" "tells of git bisect"

# ---- requests that cannot be ----

bisect --tree "$repo" --good v3 --bad v1 "${probe[@]}"
is $status 128 "ends the wrong way round: refused"
like "$out" "swap them" "with the remedy"
bisect --tree "$repo" --good nowhere --bad v3 "${probe[@]}"
like "$out" "no commit called nowhere" "a commit that is not there is named"
bisect --tree "$repo" --good v1 --bad v3 --scenario multiplex --metric nonsense --db "$db"
like "$out" "has no metric nonsense; it has: .*switch" "a metric that is not there, and those that are"
bisect --tree "$repo" --good v1 --bad v3 --scenario nonsense --metric switch --db "$db"
like "$out" "nonsense" "a scenario that is not there"
bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}" --param l2_vcpus=0
like "$out" "l2_vcpus.*1\.\.256" "a parameter out of range"
bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}" --param memory
like "$out" "expected NAME=VALUE" "a parameter without a value"
bisect --series baseline "${probe[@]}"
like "$out" "needs a variant with patches" "a series bisect of what has no patches"
bisect --tree "$repo" --good v1 --bad v3 --scenario multiplex --fails --message '(' --db "$db"
like "$out" "not a regular expression" "a message that is no expression"
bisect --tree "$repo" --good v1 --bad v3 --fails --db "$db"
like "$out" "has to be given, unless a selftest is named" "a failure of what?"
printf 'CONFIG_A=y\n' >"$TMP/a.config"
printf 'CONFIG_A=y\nnonsense\n' >"$TMP/b.config"
bisect --config "$TMP/a.config" "$TMP/a.config" "${probe[@]}"
like "$out" "ask for the same" "fragments that do not differ"
bisect --config "$TMP/a.config" "$TMP/b.config" "${probe[@]}"
like "$out" "b.config:2: expected CONFIG_NAME=VALUE" "a fragment's bad line is named"
bisect --resume --log --db "$db"
is $status 129 "--resume and --log at once: usage"
bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}" --threshold -1
is $status 129 "a threshold below 0: usage"
bisect --resume --db "$db"
like "$out" "no bisect was ever started" "--resume without one"
bisect --resume --db "$TMP/none.db"
like "$out" "no such database" "--resume without a database"
[ ! -e "$TMP/none.db" ]
ok $? "and none is made"

# ---- nestlab test ----

test_tree
is $status 129 "test without a tree: a usage error"
test_tree "$repo" --scenario multiplex --metric switch
is $status 129 "test without a limit: a usage error"
test_tree "$repo" "${probe[@]}" --limit 25000
is $status 125 "what does not build: 125, so that git bisect skips it"
like "$out" "make|Makefile|config" "and why"

# ---- a bisect whose ends do not build ----

bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}"
is $status 125 "ends that do not build: cannot tell"
like "$out" "cannot bisect: the good end, [0-9a-f]{40}, does not build" "and says which"
like "$(sqlite3 "$db" 'SELECT request FROM bisect')" "\"good\":\"$(git -C "$repo" rev-parse v1)\"" \
	"what is kept for --resume are commits, whatever becomes of the names"
"$NESTLAB" bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}" --threshold 0.7 --print-request >"$TMP/request.json"
bisect --tree "$repo" --good v1 --bad v3 "${probe[@]}" --threshold 0.7
from_options=$(sqlite3 "$db" "SELECT json_remove(request, '$.command') FROM bisect ORDER BY id DESC LIMIT 1")
bisect --request "$TMP/request.json" --db "$db"
is $status 125 "a bisect from a file ends likewise"
is "$(sqlite3 "$db" "SELECT json_remove(request, '$.command') FROM bisect ORDER BY id DESC LIMIT 1")" "$from_options" \
	"and keeps the same request"
bisect --request "$TMP/request.json" --db "$db" --good v2
is $status 129 "the file is the whole request"
"$NESTLAB" test "$repo" "${probe[@]}" --limit 25000 --print-request >"$TMP/test.json"
test_tree --request "$TMP/test.json" --db "$db"
is $status 125 "a test from a file, too"
bisect --log --db "$db"
is $status 0 "--log"
like "$out" "^git bisect start '[0-9a-f]{40}' '[0-9a-f]{40}' '--'" "begins as git's does"
"$NESTLAB" db check --db "$db" >/dev/null 2>&1
ok $? "the database is well"
after=$(git -C "$repo" show-ref; git -C "$repo" status --porcelain)
is "$after" "$before" "the user's repository is as it was"

# ---- series and configs, on a fake kernel: built, but nothing a host could boot ----

. "$TOP/tests/lib/fake-kernel.sh"
fake_lab "$TMP/lab"
ln -s "$TOP/scenarios" "$TMP/lab/scenarios"
variants() { cat "$TMP"/runs/*/variants/*"$1"*; }

bisect --series child "${probe[@]}"
like "$(variants first-1)" '"patch_count": ?1' "a prefix of a series is a variant with that many patches"
unlike "$(variants first-0)" 'patch' "the prefix of none has none"
like "$out" 'child-first-0 +[0-9a-f]{12}|root +[0-9a-f]{12}' "and is built, although it is its base"
is $status 128 "what is no kernel's fault is no verdict"
like "$out" 'bisect --resume' "and can be resumed"
printf 'CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n' >"$TMP/a.config"
printf 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=7\n' >"$TMP/b.config"
bisect --config "$TMP/a.config" "$TMP/b.config" --variant root "${probe[@]}"
is $status 128 "a config bisect gets as far"
is "$(cat "$(grep -l CONFIG_D "$TMP"/runs/*/variants/*.config)")" "$(cat "$TMP/b.config")" \
	"all differences make the bad fragment"
is "$(cat "$(grep -l CONFIG_C "$TMP"/runs/*/variants/*.config)")" "$(cat "$TMP/a.config")" \
	"no difference makes the good one"

test_tree "$repo" --scenario multiplex --metric switch --limit nan
is $status 129 "nor is nan a limit"
test_tree "$repo" --scenario multiplex --metric switch --limit 1 --db "$db" --variant nosuch
is $status 128 "a variant that is not there: 125 would skip every commit"
like "$out" nosuch "and it is named"
test_tree "$repo" --scenario multiplex --metric switch --limit 1 --db "$db" --param nonsense=3
is $status 128 "a parameter that the scenario has not, likewise"
like "$out" nonsense "named, too"

# ---- nestlab test on a full disk: 125 would have git bisect skip every commit ----

if unshare -rm true 2>/dev/null; then
	mkdir "$TMP/small" "$TMP/big"
	git init -q -b main "$TMP/big"
	head -c 400000 /dev/urandom >"$TMP/big/file"
	git -C "$TMP/big" add . && git -C "$TMP/big" -c user.name=test -c user.email=t@localhost commit -qm big
	out=$(NESTLAB_ROOT=$TOP NESTLAB_CACHE=$TMP/small unshare -rm sh -c 'mount -t tmpfs -o size=100k none "$1" &&
		shift && exec "$@"' sh "$TMP/small" "$NESTLAB" test "$TMP/big" "${probe[@]}" --limit 1 2>&1)
	is $? 128 "a full disk ends git bisect run"
	like "$out" "disk full at" "and is named"
else
	skip "a full disk ends git bisect run" "unshare -rm is not allowed here"
	skip "and is named" "unshare -rm is not allowed here"
fi

# ---- nestlab test, interrupted: 125 would send git bisect run on to the next commit ----

fake=$TMP/fake FAKE_GATE=$TMP/gate
git init -q "$fake" && fake_kernel "$fake"
git -C "$fake" add . && git -C "$fake" -c user.name=t -c user.email=t@localhost commit -q -m fake
mkdir "$FAKE_GATE" && mkfifo "$FAKE_GATE/started" "$FAKE_GATE/go"
FAKE_GATE=$FAKE_GATE "$NESTLAB" test "$fake" --variant root "${probe[@]}" --limit 25000 \
	>"$TMP/interrupted" 2>&1 &
pid=$!
read -r _ <"$FAKE_GATE/started"
kill -INT $pid
wait $pid
is $? 128 "an interrupted test ends with a status that ends git bisect run"
like "$(cat "$TMP/interrupted")" "cancelled" "and says why"

# ---- nestlab test --fails ----

out=$(env -u FAKE_GATE "$NESTLAB" test "$fake" --variant root --fails --test t_test --db "$db" 2>&1)
is $? 125 "a commit without the selftest cannot tell"
like "$out" 'has no tools/testing/selftests/kvm' "and says why"
out=$(env -u FAKE_GATE "$NESTLAB" test "$fake" --variant root --scenario multiplex --fails --message '(' --db "$db" 2>&1)
is $? 128 "a message that is no expression is no skip"

plan_done
