#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own selftests: built from the tree, put into the image, run on L0, told as they ended.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

db=$TMP/nestlab.db
sql() { sqlite3 "$db" "$1"; }
scenario() { # scenario NAME TEST...: writes a scenario file
	local name=$1 tests
	shift
	tests=$(printf '"%s",' "$@")
	printf '{"scenarios":[{"scenario":"kselftest","test":[%s]}]}' "${tests%,}" >"$TMP/$name.json"
}
run() { # run NAME KERNEL
	"$NESTLAB" run "$TMP/$1.json" --kernel "$2" --boots 1 --db "$db" 2>"$TMP/err"
}

# ---- trees in which they cannot be built ----

scenario fake t_test
run_fake() { # run_fake KERNEL: in a subshell, for it has root, cache and database of its own
	(fake_lab "$TMP/lab" && db=$TMP/fake.db && run fake "$1" >/dev/null)
}

fake_selftest() { # fake_selftest LINE: a folder of patches that add one selftest
	mkdir -p "$TMP/lab/kernels/patches/added"
	echo added.patch >"$TMP/lab/kernels/patches/added/series"
	cat >"$TMP/lab/kernels/patches/added/added.patch" <<-EOF
		--- /dev/null
		+++ b/tools/testing/selftests/kvm/Makefile
		@@ -0,0 +1,2 @@
		+%: %.c
		+	\$(CC) \$(FROM_OUTSIDE) \$(EXTRA_CFLAGS) -o \$@ \$<
		--- /dev/null
		+++ b/tools/testing/selftests/kvm/x86_64/t_test.c
		@@ -0,0 +1 @@
		+$1
		--- a/Makefile
		+++ b/Makefile
		@@ -1,3 +1,4 @@
		 .RECIPEPREFIX := >
		+headers:
		 ifneq (\$(LLVM),)
		 CC := clang\$(filter -%,\$(LLVM))
	EOF
}

(fake_lab "$TMP/lab")
run_fake root
is $? 128 "a tree without KVM's selftests is fatal"
like "$(cat "$TMP/err")" 'the tree of root has no tools/testing/selftests/kvm' "and told"
fake_selftest 'int main(void) { return wrong; }'
echo '{ "base": "root", "selftests": "patches/added" }' >"$TMP/lab/kernels/with.json"
run_fake with
is $? 1 "a selftest that does not compile: exit 1, as for a kernel that does not"
like "$(cat "$TMP/err")" "does not compile:" "its first errors"
like "$(cat "$TMP/err")" "t_test.c:1:.* error: .*wrong" "are told"
log=$(grep -o '(log: [^)]*)' "$TMP/err")
log=${log#(log: }
like "$(cat "${log%)}")" 'error: .*wrong' "and the log is kept"

# ---- a branch that moves ----

mkdir "$TMP/bin" # a Bochs that boots nothing: here it counts what was built
cat >"$TMP/bin/bochs" <<'END'
#!/bin/bash
PATH=${PATH#*:}
[ "$1" != --help ] || exec bochs "$@"
exit 1
END
chmod +x "$TMP/bin/bochs"
run_moving() { PATH=$TMP/bin:$PATH run_fake moving; }

repo=$TMP/repo
cp -r "$TMP/lab/linux-fake" "$repo"
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@x
move() { # move TEXT: the branch goes on, to a selftest that says TEXT and a kernel of its own
	local line="int puts(const char *s); int main(void) { return puts(\"$1\") < 0; }"
	echo "$line" >"$repo/tools/testing/selftests/kvm/x86_64/t_test.c"
	echo "/* $1 */" >>"$repo/src/f1.c"
	git -C "$repo" add . && git -C "$repo" commit -qm "$1"
}
patch -s -p1 -d "$repo" <"$TMP/lab/kernels/patches/added/added.patch"
outside=(USERCFLAGS USERLDFLAGS OUTPUT KHDR_INCLUDES INSTALL_HDR_PATH LDLIBS TARGET_ARCH CPPFLAGS)
printf -v variables '$(%s) ' "${outside[@]}"
sed -i "s/\$(FROM_OUTSIDE)/$variables/" "$repo/tools/testing/selftests/kvm/Makefile"
git -C "$repo" init -q -b main
move first
echo '{ "base": "root", "source": { "kind": "git", "location": "../../repo", "ref": "main" } }' \
	>"$TMP/lab/kernels/moving.json"
(export "${outside[@]/%/=--from-outside}"; run_moving)
built=$(echo "$TMP/lab/cache/selftests/"*/t_test)
like "$(grep -ao -e first -e second "$built")" first "a selftest is built from a branch, without flags of the environment's"

rm "$built"
key=$(basename "$(dirname "$built")")
exec 9>"$TMP/lab/cache/locks/$key"
flock 9
: >"$TMP/err"
run_moving 9>&- &
running=$!
timeout 300 tail -n +1 -f --pid=$running "$TMP/err" |
	grep -q -m1 'selftests of moving: waiting for another nestlab that is building it'
ok $? "while another nestlab builds it, this one says what it waits for"
move second
exec 9>&-
wait $running
like "$(grep -ao -e first -e second "$built")" first "the branch moved meanwhile: what is built is still what the key says"

mkdir "$TMP/gate" && mkfifo "$TMP/gate/started" "$TMP/gate/go"
FAKE_GATE=$TMP/gate run_moving &
running=$!
read -r _ < <(timeout 300 cat "$TMP/gate/started")
move third
echo >"$TMP/gate/go"
wait $running
is $? 128 "selftests of another commit than the kernel's are none"
like "$(cat "$TMP/err")" 'selftests of moving: the source has changed since the kernel was built' \
	"and that is said"
run_moving
like "$(grep -aoh -e first -e third "$TMP/lab/cache/selftests/"*/t_test)" third "the next run builds both"

echo '/* the kernel alone */' >>"$repo/src/f1.c"
git -C "$repo" commit -qam kernel
run_moving
unlike "$(cat "$TMP/err")" 'selftests of' "a commit that changes no file of theirs shares those of the one before"
like "$(cat "$TMP/err")" 'build moving' "although its kernel is built"

# ---- one that passes, one that cannot run here ----

scenario good vmx_apic_access_test vmx_pmu_caps_test
run good baseline >"$TMP/out"
is $? 0 "two selftests of the tree: a run that passed"
is "$(sql 'SELECT name || " " || result FROM test ORDER BY name')" \
	"vmx_apic_access_test pass
vmx_pmu_caps_test skip" "the one passes, the other is skipped"
like "$(sql 'SELECT text FROM test WHERE result = "skip"')" 'SKIP - Requirement not met: .*pmu' \
	"with what is missing"
like "$(sql 'SELECT cmdline FROM run')" 'kvm_intel.pml=0' "the command line is the selftests' one"

# ---- built once ----

programs=("${NESTLAB_CACHE:-$HOME/.cache/nestlab}"/selftests/*/vmx_apic_access_test)
before=$(stat -c '%n %Y %i' "${programs[@]}")
# also for a kernel that nestlab did not build: without its sources, another variant's tree serves
built=$(dirname "$("$NESTLAB" kernel show --json baseline | jq -r .build.bzimage)")
jq -n --arg at "$built" '{source: {kind: "built", location: ($at + "/bzImage"), system_map: ($at + "/System.map"),
	config: ($at + "/config")}}' >"$TMP/bare.json"
jq '.selftests_of = "baseline"' "$TMP/bare.json" >"$TMP/mine.json"
db=$TMP/mine.db run good "$TMP/bare.json" >/dev/null
like "$? $(cat "$TMP/err")" '^128 .*selftests of bare: .*/bare.json: .*knows no sources of it; "selftests_of": "VARIANT"' \
	"a kernel that was built elsewhere has no tree: what to do is said"
db=$TMP/mine.db run good "$TMP/mine.json" >/dev/null
is $? 0 "with the tree of another variant they run on it"
unlike "$(cat "$TMP/err")" 'selftests of' "a second run builds nothing"
is "$(stat -c '%n %Y %i' "${programs[@]}")" "$before" "and leaves the programs as they are"
unlike "$(readelf -l "${programs[@]}")" 'INTERP' "they are static"

# ---- one that fails: our own patch on top of the tree's ----

mkdir "$TMP/wrong"
cp "$TOP/tests/fixtures/selftests/"* "$TMP/wrong"
printf '{ "base": "baseline", "selftests": "wrong" }' >"$TMP/failing.json"
scenario bad vmx_apic_access_test nestlab_fails_test
run bad "$TMP/failing.json" >/dev/null
is $? 1 "a selftest that fails: the run failed"
like "$(cat "$TMP/err")" 'selftest nestlab_fails_test failed \(exit status 1\)' "it is named"
like "$(cat "$TMP/err")" 'not ok 2 water runs uphill' "with what it said"
is "$(sql 'SELECT status || " " || class FROM run WHERE kernel_name = "failing"')" "fail integrity" \
	"its run is an integrity failure"
is "$(sql 'SELECT result FROM test JOIN run ON run.id = test.run WHERE kernel_name = "failing"
	ORDER BY name')" "fail
pass" "the other test ran and passed"
is "$(sql 'SELECT count(DISTINCT kernel_key) FROM run')" 1 "and the kernel is the very same"

"$NESTLAB" report baseline failing --format ktap --db "$db" >"$TMP/ktap" 2>/dev/null
like "$(cat "$TMP/ktap")" 'not ok .*nestlab_fails_test' "the report says so"

# ---- programs of one's own, and one that ends its boot ----

cp -r "$TOP/tests/fixtures/programs" "$TMP/own"
cat >"$TMP/own.json" <<-'EOF'
	{ "programs": "own", "scenarios": [
	  { "scenario": "kselftest", "test": "say_test", "arguments": [["-n", "1 2"], []], "must_print": "<1 2>" },
	  { "scenario": "kselftest", "test": "leave_test" },
	  { "scenario": "kselftest", "test": "say_test", "arguments": ["after"], "must_print": "1 arguments, KVM 1" } ] }
EOF
run own baseline >/dev/null
is $? 1 "a test that ends its boot: the run failed"
is "$(sql 'SELECT name || " " || result || " " || replace(text, char(10), "|") FROM test JOIN run ON run.id = test.run
	WHERE scenario_name = "own" ORDER BY test.rowid' | sed 's/ (a triple fault).*//')" \
	'say_test pass Random seed: 0x6b8b4567|2 arguments, KVM 1|<-n>|<1 2>|
say_test fail Random seed: 0x6b8b4567|0 arguments, KVM 1||it did not print "<1 2>"
leave_test fail the machine reset
say_test pass Random seed: 0x6b8b4567|1 arguments, KVM 1|<after>|' \
	"each test has its own result, the one behind the end, too"
is "$(sql 'SELECT count(*) || " " || status || " " || class FROM run WHERE scenario_name = "own"')" "1 fail integrity" \
	"all of it is one run"
like "$(cat "$TMP/err")" 'selftest leave_test: .*; the rest of the plan follows' "and it is said meanwhile"
cp "$TMP/own/say_test.c" "$TMP/own/other_test.c"
rm "$TMP/own/leave_test.c"
run own baseline >/dev/null
is $? 128 "a program that is gone is no test"
like "$(cat "$TMP/err")" 'no selftest "leave_test" in the tree of baseline; there are: other_test say_test .* vmx_msrs_test' \
	"and the folder's are told among those that there are"

# ---- a run that ends before its plan does ----

cat >"$TMP/long.json" <<-'EOF'
	{ "scenarios": [
	  { "scenario": "exits", "reason": "vmcall", "rounds": 10 },
	  { "scenario": "multiplex", "l2_vcpus": 2, "rounds": 1000000 },
	  { "scenario": "exits", "reason": ["cpuid", "hlt"] } ] }
EOF
run long baseline >/dev/null &
await bash -c "grep '\"type\":\"begin\",\"id\":1,' '$TMP'/runs/*/baseline-long-1/records.jsonl"
ok $? "the second entry of three runs"
kill -INT "$(pgrep -P $! nestlab)"
wait $!
like "$(cat "$TMP/err")" 'ended in entry 2 of its scenario; 1 of 4 measurements came and are stored; scenario [^ ]*long\.json\+3-3 is' \
	"Ctrl-C: what came is told, and how to run the rest"
ok "$(($(sql 'SELECT count(*) FROM metric JOIN run ON run.id = run WHERE scenario_name = "long"') == 0))" "it is stored"

# ---- names and patches that are wrong ----

scenario none no_such_test
run none baseline >/dev/null
is $? 128 "a selftest that the tree does not have is fatal"
like "$(cat "$TMP/err")" 'no selftest "no_such_test" in the tree of baseline; there are:.* vmx_msrs_test' \
	"it is named, the tree too, and what there is"

sed -i 's,^ TEST_GEN_PROGS_x86_64 = x86_64/cpuid_test,&ing,' "$TMP/wrong/"*.patch
run bad "$TMP/failing.json" >/dev/null
is $? 1 "a selftest patch that does not apply: exit 1"
like "$(cat "$TMP/err")" 'patch .* does not apply: tools/testing/selftests/kvm/Makefile' \
	"patch and file are named"
like "$(cat "$TMP/err")" 'another version says "selftests": null' "and what to do"
plan_done
