#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# list-real.sh [EFFECT]: a series that makes each nested VM entry EFFECT percent (default 2) of a switch longer is posted to a
# list in a real public-inbox; nestlabd imports, builds and boots it and its base, for real on the emulated host, and
# writes the answer, which is printed. A second one does not compile.
#
# LIST_REPO: a bare repository whose first commit is a kernel that the config baseline fits; it is only read (default: one is
# made of Debian's 6.12 source, as tests/lib/history.sh has it).
set -u
effect=${1:-2}
. "$(dirname "$0")/../lib/history.sh"
work=$(mktemp -d)
if [ -n "${LIST_REPO:-}" ]; then
	command git clone -q --bare --shared "$LIST_REPO" "$work/linux" || die "no clone"
	dir=$work repo=$work/linux
	git tag -f base "$(git rev-list --max-parents=0 --all | head -1)" >/dev/null
else
	import_source
fi
TMP=$work STATE=$work/state
. "$top/tests/lib/list.sh"
# shellcheck disable=SC2154
nestlabd=$(dirname "$nestlab")/nestlabd file=arch/x86/kvm/vmx/nested.c
rounds=$(awk "BEGIN { print int(18200 * $effect / 100 / 3) }")

post_commit() { # post_commit FOLDER TITLE: the file's new content stands on stdin
	begin_history
	commit "$2" $file
	git format-patch -q --thread --base=base -o "$work/$1" --to kvm@example.org -1 "$head" >/dev/null
	rm -f "$dir/index-$$"
	post kvm "$work/$1"/*.patch
}
make_inbox kvm 2
post_commit slow "KVM: nVMX: Settle before entry" < <(git show base:$file | awk -v rounds="$rounds" '
	{ print }
	/^enum nvmx_vmentry_status nested_vmx_enter_non_root_mode/ { inside = 1 }
	inside && /^$/ { print "\tfor (int spin = 0; spin < " rounds "; spin++)\n\t\tcpu_relax();\n"; inside = 0 }')
post_commit broken "KVM: nVMX: Use what is not there" < <(git show base:$file; echo 'int nestlab_broken(void) { return missing; }')

mkdir -p "$STATE/schedules"
jq -n "{at: \"*:0/1\", kernels: [{git: \"$repo\", ref: \"base\"}], plans: [\"quick\"], boots: 2,
	watch: {inbox: \"$work/kvm\", since: \"2020-01-01\", paths: [\"arch/x86/kvm/vmx/\"], cc: [\"kvm@example.org\"]}}" \
	>"$STATE/schedules/kvm.json"
begin=$(date +%s)
"$nestlabd" --state "$STATE" --workers 2 --health none &
daemon=$!
trap 'kill $daemon; wait $daemon; rm -rf "$work"' EXIT
export NESTLAB_URL=unix:$STATE/nestlabd.sock
left() { sqlite3 "$STATE/daemon.db" "SELECT count(*) < 2 OR sum(state IN ('new', 'queued')) > 0 FROM list_series" 2>/dev/null; }
while [ "$(left)" != 0 ]; do kill -0 $daemon || die "nestlabd has ended"; sleep 2; done
echo "after $(($(date +%s) - begin)) s:"
"$nestlab" schedule show kvm
for id in $(sqlite3 "$STATE/daemon.db" "SELECT id FROM list_series"); do
	"$nestlab" schedule answer "$id"
done
sqlite3 "$STATE/daemon.db" "SELECT kind, state, verdict, class, error FROM job"
