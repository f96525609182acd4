#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bisect-real.sh [POSITION [EFFECT [PARALLEL]]]: bisects a real range on the emulated host.
#
# Makes a repository of 32 commits on Debian's 6.12 source: harmless ones to KVM and elsewhere, one
# that does not build, one that only touches comments, one in Documentation/, one in a header that
# all of KVM includes, and at POSITION (default 20; 0: nowhere) one that makes each nested VM entry
# EFFECT percent (default 2) of a switch longer. Runs `nestlab bisect` over it with PARALLEL steps at
# once (default 1) and prints what it said, what it should have said, and what it took.
#
# BISECT_DIR: where the repository and the database go (default: the cache's bench-bisect).
# BISECT_KILLS=N: it is killed with SIGKILL at N random moments and resumed each time.
# BISECT_RUN=1: then the same by a `git bisect run` of nestlab test.
set -u
position=${1:-20} effect=${2:-2} parallel=${3:-1} kills=${BISECT_KILLS:-0}
. "$(dirname "$0")/../lib/history.sh"
commits=32 broken=12 comment=24 docs=6 header=17
switch=18200 # instructions of one switch as measured below; a round of the loop is 3 of them
branch=position-$position-$effect # of its own: several may run at once

slow_entry() {
	local rounds
	rounds=$(awk "BEGIN { print int($switch * $effect / 100 / 3) }")
	show arch/x86/kvm/vmx/nested.c | awk -v rounds="$rounds" '
		{ print }
		/^enum nvmx_vmentry_status nested_vmx_enter_non_root_mode/ { inside = 1 }
		inside && /^$/ {
			print "\tfor (int spin = 0; spin < " rounds "; spin++)\n\t\tcpu_relax();\n"
			inside = 0
		}'
}

make_commit() { # make_commit N
	local n=$1 file nested=arch/x86/kvm/vmx/nested.c kvm=arch/x86/include/asm/kvm_host.h
	local howto=Documentation/process/howto.rst
	file=$(file_of "$n")
	case $n in
	"$position") commit "KVM: nVMX: settle before entry ($n)" $nested < <(slow_entry) ;;
	"$broken") commit "does not build ($n)" "$file" < <(append "$file" "$broken_text") ;;
	"$((broken + 1))")
		file=$(file_of $broken)
		commit "builds again ($n)" "$file" < <(show "$file" | grep -v nestlab_broken) ;;
	"$comment") commit "a comment ($n)" "$file" < <(append "$file" "/* just a comment */") ;;
	"$docs") commit "documentation ($n)" $howto < <(append $howto "Note $n.") ;;
	"$header") commit "a header ($n)" $kvm < <(append $kvm "#define NESTLAB_NOTE $n") ;;
	*) commit_note "$n" ;;
	esac
}
broken_text='static int nestlab_broken(void) { return missing; }'

make_commits() {
	begin_history
	for n in $(seq $commits); do
		make_commit "$n"
		[ "$n" = "$position" ] && culprit=$head
	done
	end_history "$branch"
}

# ---- the bisect ----

request=(--tree "$repo" --good base --bad "$branch" --scenario multiplex --metric switch
	--param l2_vcpus=8 --rounds 50 --parallel "$parallel")

run_killed() { # runs it to its end, killed $kills times on the way
	local n=0 pid
	"$nestlab" bisect "${request[@]}" --db "$db" >"$out" 2>>"$err" &
	pid=$!
	while [ $n -lt "$kills" ]; do
		timeout $((RANDOM % 25 + 5)) tail --pid=$pid -f /dev/null && break # it came to its end
		kill -9 $pid
		wait $pid 2>/dev/null
		n=$((n + 1))
		"$nestlab" bisect --resume --db "$db" >"$out" 2>>"$err" &
		pid=$!
	done
	wait $pid
	status=$?
	echo "killed $n times"
	[ $n -eq "$kills" ] || die "it ended before it was killed $kills times: nothing is shown by that"
}

import_source
culprit=
make_commits
run=$(mktemp -d "$dir/run.XXXXXX") db=$run/nestlab.db out=$run/out err=$run/err
started=$EPOCHREALTIME
if [ "$kills" -gt 0 ]; then
	run_killed
else
	TIMEFORMAT='%U + %S'
	{ time "$nestlab" bisect "${request[@]}" --db "$db" >"$out" 2>"$err"; } 2>"$run/cpu"
	status=$?
	cpu=", CPU $(awk '{ printf "%.0f", $1 + $3 }' "$run/cpu") s"
fi
ended=$EPOCHREALTIME
grep '^bisect:' "$err"
cat "$out"
[ $status -eq 128 ] && tail -3 "$err"
boots=$(sqlite3 "$db" "SELECT count(*) FROM run")
steps=$(sqlite3 "$db" "SELECT count(*) FROM bisect_step")
rounds=$(grep -c '^bisect: .* left, about' "$err")
# by the kernel's bytes: the same under another name would be a repetition too
repeated=$(sqlite3 "$db" "SELECT count(*) FROM (SELECT 1 FROM run WHERE status = 'pass'
	GROUP BY session, bzimage_sha256, boot HAVING count(*) > 1)")
median=$(sqlite3 "$db" "SELECT printf(', median %.0f s a step', seconds) FROM bisect_step
	WHERE number > 2 ORDER BY seconds LIMIT 1 OFFSET (SELECT (count(*) - 2) / 2 FROM bisect_step)")
echo "position $position, effect $effect %, $parallel at once: $steps candidates judged," \
	"$rounds rounds, $boots boots, $repeated repeated," \
	"$(awk "BEGIN { printf \"%.0f\", $ended - $started }") s in all${cpu:-}$median"
echo "database: $db"
[ "$repeated" = 0 ] || die "finished boots were made again"
if [ -z "$culprit" ]; then
	[ $status -eq 125 ] && grep -q 'do not differ' "$out" || die "should have refused"
	exit 0
fi
grep -q "^  ${culprit:0:12} " "$out" || die "the culprit is $culprit"
"$nestlab" bisect --log --db "$db" >"$run/log" && [ $status -eq 0 ] || die "exit status $status"
work=$run/work # git bisect wants a work tree: a small one does
command git -C "$repo" worktree prune
command git -C "$repo" worktree add -q --detach --no-checkout "$work" "$branch" && cd "$work" &&
	command git sparse-checkout set --cone virt 2>/dev/null &&
	command git bisect replay "$run/log" 2>&1 | grep "$culprit is the first bad commit" ||
	die "git bisect replay says otherwise"
[ -n "${BISECT_RUN:-}" ] || exit 0
limit=$(awk "BEGIN { print $switch * (1 + $effect / 200) }")
command git bisect reset >/dev/null 2>&1
command git bisect start "$branch" base >/dev/null &&
	command git bisect run "$nestlab" test . --scenario multiplex --metric switch --limit "$limit" \
		--param l2_vcpus=8 --rounds 50 --db "$run/test.db" >"$run/run.log" 2>&1
grep '^multiplex switch: \|exit code 125\|does not compile' "$run/run.log"
grep "$culprit is the first bad commit" "$run/run.log" || die "git bisect run says otherwise"
