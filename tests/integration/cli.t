#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line: help and manual pages for every command, usage errors that say what is wrong,
# requests from files, completion, what `make install` installs, and make without the packages.
set -u
. "$(dirname "$0")/../lib/tap.sh"
cd "$TOP" || exit 1

# ---- help ----

commands=$("$NESTLAB" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
like "$commands" '^run$' "nestlab --help lists the commands"
for c in $commands; do
	for how in "$c --help" "$c -h" "help $c"; do
		out=$("$NESTLAB" $how 2>"$TMP/err") # words of their own
		is "$?" 0 "$how exits 0"
		like "$out" '^usage: nestlab' "$how prints its usage on stdout"
	done
	is "$(awk 'length > 80' <<<"$out")" "" "and fits into 80 columns"
done
for c in kernel scenario host report db; do
	for a in $("$NESTLAB" help "$c" | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		out=$("$NESTLAB" "$c" "$a" -h 2>&1)
		is "$?" 0 "$c $a -h exits 0"
		like "$out" "^usage: nestlab $c $a" "and prints its usage"
	done
done
like "$("$NESTLAB" help kernel build)" '^usage: nestlab kernel build' "help explains an action"
is "$("$NESTLAB" -h)" "$("$NESTLAB" --help)" "-h is --help"
like "$("$NESTLAB" --version)" '^nestlab [0-9a-f.v-]+' "--version"

usage() { # usage NAME REGEX ARGUMENT...: exits 129 and says REGEX
	local name=$1 regex=$2 out
	shift 2
	out=$("$NESTLAB" "$@" 2>&1)
	is "$?" 129 "$name exits 129"
	like "$out" "$regex" "$name says why"
}
usage "no command" '^usage: nestlab COMMAND'
usage "an unknown command" 'no such command: frobnicate$' frobnicate
usage "a mistyped command" 'no such command: kernle; did you mean kernel\?' kernle
usage "a mistyped action" 'no such action of kernel: biuld; did you mean build\?' kernel biuld
usage "no action" '^usage: nestlab kernel ACTION' kernel
usage "help for a mistyped command" 'no such command: bisetc; did you mean bisect\?' help bisetc
usage "an unknown option" '--nope: no such option' run --nope
usage "a mistyped option" '--kernle: no such option; did you mean --kernel\?' run --kernle a
usage "a missing value" '--kernel: a value is missing' run quick --kernel
usage "a number out of range" '--boots: expected a whole number from 1 to' run quick --boots 0
usage "no scenario" 'SCENARIO is missing' run --kernel baseline
usage "no kernel" '--kernel is missing' run quick
usage "one kernel twice" 'compare baseline baseline' run quick --kernel baseline --kernel baseline
usage "--max-boots without auto" '--max-boots: .*auto only' run quick --kernel a --boots 2 --max-boots 3
usage "JSON of one kernel" '--json: prints a comparison' run quick --kernel a --json
usage "a session for a new bisect" '--session: has a meaning with --resume or --log only' bisect --series a --session x
usage "an option of a new bisect" '--scenario: is for something new' bisect --resume --scenario exits
usage "a submitted log" '--submit: is for something new' bisect --log --submit
usage "a database that the daemon does not take" '--submit: cannot be used with --db' run quick --kernel a --submit --db x.db
usage "a request beside a file" '--metric: is for something new' explain --from x.json --metric m
usage "two formats" '--json: cannot be used with --format' explain --from x.json --json --format html
usage "all of a page" '--all: html has every row' explain --from x.json --all --format html
usage "an agent's --reconcile" '--reconcile: .* --slurm only' agent --spool x --reconcile 3
usage "JSON and text" '--boot: cannot be used with --json' host check emulated --json --boot
usage "a demo that is cleaned up" '--clean: cannot be used with --exit' daemon demo --clean --exit
usage "a host that is off and somebody's" '--off: cannot be used with --for' reserve --off --for a h
usage "the state of one change" '--state: is for the list' changes --state alarm 7
usage "a flag with a value" '--json: takes no value' run quick --json=yes

out=$("$NESTLAB" run no-such-scenario --kernel baseline --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown scenario is fatal"
ok "$([ ! -e "$TMP/x.db" ] && [ ! -e "$TMP/runs" ]; echo $?)" "and leaves no database and no folder"
like "$out" 'no-such-scenario' "and is named"
for part in quick+0 quick+7-3 quick+1+2 ./quick.json+x; do
	like "$("$NESTLAB" scenario check "$part" 2>&1)" 'NAME\+7-9 .*counted from 1' "$part: what a part looks like"
done
out=$("$NESTLAB" run unrelated --kernel baseline --l1-kernel l1-linux --l1-image "$0" --db "$TMP" 2>&1) # no database: nothing boots
like "$out" 'warning: --l1-kernel l1-linux: no scenario here has an L1 that boots a kernel of ours' "an L1 kernel that nothing boots"
like "$out" 'warning: --l1-image .*: no scenario here has l1 disk or hyperv' "and an image that nothing boots"
out=$("$NESTLAB" run quick --kernel no-such-kernel --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown kernel is fatal"
like "$out" 'no-such-kernel' "and is named"
like "$out" "$NESTLAB kernel list" "with a command as this one was called"
out=$("$NESTLAB" run quick --kernel baseline --append 'a;b' --db "$TMP/x.db" 2>&1)
is "$?" 128 "boot parameters that a boot loader would take for its own are refused"
like "$out" 'byte 1 .0x3b. has a special meaning' "and the byte is named"
out=$("$NESTLAB" run quick --kernel baseline --config 'CONFIG_X="a b"' --db "$TMP/x.db" 2>&1)
like "$out" 'takes a fragment' "an option that cannot be part of a name"
out=$("$NESTLAB" run quick --kernel baseline --host no-such-host --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown host is fatal"
like "$out" 'no-such-host' "and is named"

# ---- closed descriptors ----

out=$("$NESTLAB" scenario list 2>&1 >&- <&-)
is "$?" 128 "with stdin and stdout closed the answer is lost: exit 128"
like "$out" 'could not be written' "and it says so"
"$NESTLAB" kernel show baseline >"$TMP/show"
(exec <&- 2>&- && exec "$NESTLAB" kernel show baseline) >"$TMP/show.closed"
is "$?" 0 "with stdin and stderr closed it works"
is "$(cat "$TMP/show.closed")" "$(cat "$TMP/show")" "and says the same"

# ---- requests ----

run=(run quick --kernel a --kernel b --boots auto --max-boots 4)
"$NESTLAB" "${run[@]}" --print-request >"$TMP/run.json"
is "$?" 0 "--print-request exits 0"
is "$(jq -c '[.request, .scenarios, .kernels, .boots, .max_boots, .seed, .host]' "$TMP/run.json")" \
	'["run",["quick"],["a","b"],"auto",4,1,"emulated"]' "and prints the whole request"
is "$("$NESTLAB" run --request "$TMP/run.json" --print-request)" "$(cat "$TMP/run.json")" \
	"--request reads what --print-request printed"
with_options=$("$NESTLAB" "${run[@]}" --db "$TMP/x.db" 2>&1)
status=$?
is "$("$NESTLAB" run --request "$TMP/run.json" --db "$TMP/x.db" 2>&1; echo "$?")" \
	"$with_options
$status" "and does what the options would"
usage "--request with options" 'leave out --seed' run --request "$TMP/run.json" --seed 2
usage "--request with operands" 'leave out quick' run quick --request "$TMP/run.json"
echo '{"scenarios":["quick"],"kernels":["a"],"boots":0}' >"$TMP/wrong.json"
usage "a wrong request" "wrong.json: \\$\\.boots: 0 is not within 1\\.\\.1000" run --request "$TMP/wrong.json"
usage "a request of another kind" 'expected a request of kind "compare", found "run"' \
	compare --request "$TMP/run.json"
out=$("$NESTLAB" run --request "$TMP/no-such.json" 2>&1)
is "$?" 128 "a request that is not there is fatal"
like "$out" 'no-such.json' "and is named"
"$TOP/tests/lib/fake-results.py" "$TMP/fake.db" <<END
base aaaaaaaaaaaa01 1 emulated switch=30000
good bbbbbbbbbbbb02 1 emulated switch=24000
base aaaaaaaaaaaa01 2 emulated switch=30003
good bbbbbbbbbbbb02 2 emulated switch=24002
END
same_answer() { # same_answer NAME ARGUMENT...: from the options, and from a file
	local name=$1 from_options
	shift
	"$NESTLAB" "$@" --print-request >"$TMP/request.json"
	from_options=$("$NESTLAB" "$@" --db "$TMP/fake.db"; echo "status $?")
	is "$("$NESTLAB" "${command[@]}" --request "$TMP/request.json" --db "$TMP/fake.db"; echo "status $?")" \
		"$from_options" "$name from a file says the same"
	unlike "$from_options" 'status 12[89]' "and is an answer"
}
command=(compare)
same_answer "a comparison" compare base good --metric switch
command=(report)
same_answer "a report" report base good --format csv
for c in run compare report bisect test; do
	is "$("$NESTLAB" "$c" --describe | jq -r '."$schema", .properties.request.const')" \
		"https://json-schema.org/draft/2020-12/schema
$c" "$c --describe prints a JSON Schema"
done
like "$("$NESTLAB" report signoff --describe)" '"policy"' "so does report signoff"
if python3 -c 'import jsonschema' 2>/dev/null; then
	"$NESTLAB" run --describe >"$TMP/schema.json"
	python3 - "$TMP" <<-'EOF2'
		import json, jsonschema, sys
		schema = json.load(open(sys.argv[1] + "/schema.json"))
		jsonschema.Draft202012Validator.check_schema(schema)
		check = jsonschema.Draft202012Validator(schema)
		check.validate(json.load(open(sys.argv[1] + "/run.json")))
		sys.exit(check.is_valid(json.load(open(sys.argv[1] + "/wrong.json"))))
	EOF2
	ok $? "the schema takes what nestlab takes, and refuses what it refuses"
else
	skip "the schema takes what nestlab takes" "python3 has no jsonschema"
fi
(cd "$TMP" && "$NESTLAB" test . --scenario s --metric m --limit 1 --print-request) >"$TMP/test.json"
is "$(jq -r .tree "$TMP/test.json")" "$(realpath "$TMP")" "paths in a request are absolute"

# ---- manual pages ----

if command -v groff >/dev/null; then
	for c in "" $commands; do
		"$NESTLAB" help --man $c >"$TMP/page.1" 2>"$TMP/err"
		is "$?$(groff -man -Tutf8 -ww -z "$TMP/page.1" 2>&1)" 0 "nestlab${c:+-}$c(1) without a warning"
	done
	"$NESTLAB" help --man run >"$TMP/page.1"
	out=$(groff -man -Tascii -P-c "$TMP/page.1" 2>/dev/null | sed 's/.\x08//g')
	like "$out" '--max-boots N' "an option is in the page"
	like "$out" 'SCENARIO\.\.\.' "and the operand"
else
	skip "manual pages" "groff is not installed"
fi

# ---- completion ----

# complete WORD...: what bash offers for the last word, sorted, in one line
complete_words() {
	PATH=${NESTLAB%/*}:$PATH bash --norc -c '
		. "$1"; shift
		COMP_WORDS=(nestlab "$@"); COMP_CWORD=$#
		_nestlab; printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' \
		bash "$TOP/orchestrator/cli/completion/nestlab.bash" "$@" 2>&1
}
is "$(complete_words ke)" "kernel " "bash completes a command"
is "$(complete_words kernel b)" "build " "an action"
is "$(complete_words run --max)" "--max-boots " "an option"
is "$(complete_words run --kernel nested-context-d)" "nested-context-debug " "a kernel's name"
is "$(complete_words run --kernel nested-context qui)" "quick " "a scenario's name"
is "$(complete_words run --host emul)" "$("$NESTLAB" host list | sed -n 's/^\(emul[^ ]*\).*/\1/p' | sort | tr '\n' ' ')" \
	"a host's name"
is "$(complete_words report --format = ju)" "junit " "a choice, after an equals sign too"
is "$(complete_words compare baseline-d)" "baseline-debug " "an operand"
is "$(complete_words bisect --series x --scenario mig)" "migrate " "a kind of scenario"
touch "$TMP/some.db"
is "$(complete_words db check --db "$TMP/so")" "$TMP/some.db " "a file"
is "$(complete_words nonsense x)" " " "nothing after what is no command"
if command -v zsh >/dev/null; then
	zsh -n orchestrator/cli/completion/_nestlab
	ok $? "zsh reads its completion"
	out=$(PATH=${NESTLAB%/*}:$PATH zsh -fc '
		_describe() { print -l -- $candidates }; _files() {}
		words=(nestlab run --kernel ""); CURRENT=4; . "$0"' "$TOP/orchestrator/cli/completion/_nestlab" 2>&1)
	like "$out" '^baseline:kernel$' "and offers kernels"
else
	skip "zsh reads its completion" "zsh is not installed"
	skip "and offers kernels" "zsh is not installed"
fi

# ---- make ----

build=${BUILD:-build}
make_quietly() { # the version stays as it is: nothing is compiled beside other tests
	MAKEFLAGS='' make --no-print-directory "BUILD=$build" "VERSION=$(cat "$build/version")" "$@" 2>&1
}
out=$(make_quietly install "DESTDIR=$TMP/dest" PREFIX=/usr)
is "$?" 0 "make install"
for f in bin/nestlab bin/nestlab-agent share/man/man1/nestlab.1 share/man/man1/nestlab-run.1 \
	share/bash-completion/completions/nestlab share/zsh/site-functions/_nestlab \
	share/doc/nestlab/LICENSE share/doc/nestlab/README.md share/doc/nestlab/requests.md \
	share/nestlab/kernels/baseline.json share/nestlab/scenarios/quick.json; do
	[ -s "$TMP/dest/usr/$f" ]
	ok $? "installs $f"
done
is "$(cd / && "$TMP/dest/usr/bin/nestlab" --version)" "nestlab $(cat "$build/version")" "the installed nestlab runs"
is "$(cd / && "$TMP/dest/usr/bin/nestlab" scenario check quick | sed 's/:.*//')" \
	"$TMP/dest/usr/share/nestlab/scenarios/quick.json" "and finds what was installed with it"

mkdir "$TMP/bin"
printf '#!/bin/sh\ncase "$*" in *libgsl-dev) exit 1 ;; esac\necho install ok installed\n' >"$TMP/bin/dpkg-query"
chmod +x "$TMP/bin/dpkg-query"
out=$(PATH=$TMP/bin:$PATH PKG_CONFIG_LIBDIR=$TMP PKG_CONFIG_PATH=$TMP make_quietly)
is "$?" 2 "make without the packages fails at once"
is "$(sed -n 2p <<<"$out")" "  sudo apt-get install -y --no-install-recommends libgsl-dev" \
	"with the one line that installs what is missing"

plan_done
