#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A mailing list in a real public-inbox is watched: ten threads, and what becomes of each; mails that are not well meant;
# kill -9 at random moments. git, the import and the archive are real; boots are faked (tests/lib/fake_boot.c).
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/list.sh"
command -v public-inbox-mda >/dev/null || skip_all "public-inbox is missing (apt-get install public-inbox)"
build_fake_boot
cd "$TMP" || exit 1

# ---- the list ----

make_repo
make_inbox kvm 2
nested=arch/x86/kvm/vmx/nested.c
TITLE="KVM: nVMX: Walk once" series good --cover-letter --base=main -- "
	echo 1480 >cost; commit_all 'KVM: nVMX: Count less'
	sed -i s/two/TWO/ $nested; commit_all 'KVM: nVMX: Shout'"
series one --base=main -- "echo 1530 >cost; commit_all 'KVM: nVMX: Be careful'"
series two -v2 --base=main -- "echo 1490 >cost; sed -i s/six/SIX/ $nested; commit_all 'KVM: nVMX: Be careful'"
series away -- "sed -i 's/seven/SEVEN/' $nested; commit_all 'KVM: nVMX: Elsewhere'"
sed -i 's/^ six/ sixty/; s/^ eight/ eighty/' away/*.patch
series broken --base=main -- "sed -i 's/one/int broken/' $nested; commit_all 'KVM: nVMX: Do not build'"
FROM=next series other -- "sed -i 's/only/ONLY/' arch/x86/kvm/vmx/next.c; commit_all 'KVM: nVMX: For next'"
series words -- "echo more >>Documentation/kvm.rst; commit_all 'Documentation: kvm: More'"
series half -- "sed -i s/one/ONE/ $nested; commit_all 'KVM: nVMX: Half'; sed -i s/eight/EIGHT/ $nested; commit_all 'KVM: nVMX: The other half'"
rm half/0002*
mail bug "" "KVM: nVMX: it hangs" "Here."
mail bug-reply "<bug@example.org>" "Re: KVM: nVMX: it hangs" "Not here."
mail pull "" "[GIT PULL] KVM changes" "The following changes since commit $(git -C repo rev-parse main):"
for t in good one away broken other words half; do post_thread kvm $t; done
post kvm bug bug-reply pull

mkdir -p "$STATE/schedules"
schedule() { # schedule NAME INBOX [FILTER]
	jq -n "{at: \"*-*-* 01:00\", kernels: [{git: \"$TMP/repo\", ref: \"main\"}, {git: \"$TMP/repo\", ref: \"next\"}],
		plans: [\"quick\"], boots: 4, watch: {inbox: \"$2\", since: \"2026-01-01\", paths: [\"cost\", \"arch/x86/kvm/vmx/\"],
		cc: [\"kvm@example.org\"]}} | ${3:-.}" >"$1.json.new"
	mv "$1.json.new" "$STATE/schedules/$1.json"
}
schedule kvm "$TMP/kvm"

# ---- ten threads ----

start_daemon --health none --mail-from lab@example.org
start_agent h1 --slots 2
sql() { sqlite3 "$STATE/daemon.db" "$1"; }
look() { "$NESTLAB" schedule run "${1:-kvm}" >/dev/null; }
listed() { "$NESTLAB" schedule list | grep -q "^${1:-kvm} "; }
await listed
look
settled() { [ "$(sql "SELECT (SELECT count(*) FROM list_mail) >= $1 AND (SELECT count(*) FROM list_thread WHERE mails > looked) = 0
	AND (SELECT count(*) FROM list_series WHERE state IN ('new', 'queued')) = 0")" = 1 ]; }
await settled 12
ok $? "every series came to an end"
state() { sql "SELECT state FROM list_series WHERE subject LIKE '%$1%' AND version = ${2:-1}"; }
is "$(state 'Walk once')" measured "a good series is measured"
is "$(state 'Be careful')" measured "one that makes it slower, too"
is "$(state Elsewhere)" unapplied "one applies nowhere"
is "$(state 'Do not build')" broken "one does not build"
is "$(state 'For next')" measured "one has no base-commit, and applies to the second branch"
is "$(state 'Documentation')" passed "one is of other files"
is "$(sql "SELECT group_concat(state || ' ' || subject, ', ') FROM (SELECT * FROM list_thread WHERE state <> 'series' ORDER BY subject)")" \
	"talk KVM: nVMX: it hangs, incomplete [PATCH 1/2] KVM: nVMX: Half, talk [GIT PULL] KVM changes" "talk, half a series, a pull request"
sql "SELECT * FROM list_series" | head -20 | sed 's/^/# /'
sql "SELECT payload FROM outbox" | tr -d '\r' | sed 's/^/# /'
plan_done
