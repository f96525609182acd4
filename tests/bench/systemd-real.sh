#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One real, emulated boot of baseline by the units that `make install` installs, under a real systemd (tests/lib/systemd.sh). The
# kernel has to be in the cache; its entry is copied into the worker's.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/systemd.sh"
lacks=$(systemd_lacks)
[ -z "$lacks" ] || skip_all "$lacks"
entry=$("$NESTLAB" kernel show baseline --json | jq -r '.build.bzimage // empty' | xargs -r dirname)
[ -d "$entry" ] || skip_all "baseline is not built"
jq -nc '{request: "run", scenarios: ["quick"], kernels: ["baseline"], boots: 1}' >"$TMP/request.json"

# shellcheck disable=SC2317
prepare() {
	local cache=$ROOT/var/cache/nestlab-worker
	mkdir -p "$cache/kernels" "$ROOT/etc/nestlab"
	cp "$TMP/request.json" "$ROOT/etc/nestlab"
	cp -r "$entry" "$cache/kernels"
	cp -r "${entry%/kernels/*}/kernel-index" "$cache"
}
export entry
start_systemd prepare || exit
ask() { inside env NESTLAB_URL=unix:/run/nestlab/nestlabd.sock nestlab "$@"; }
inside systemd-sysusers 2>/dev/null
inside chown -R nestlab-worker:nestlab /var/cache/nestlab-worker
inside systemctl start nestlabd.socket nestlab-worker@emulated.service
job=$(ask submit --json /etc/nestlab/request.json | jq -r .uid)
for _ in $(seq 900); do
	[ "$(ask show --json "$job" | jq -r '.ended // empty')" ] && break
	sleep 1
done
ask show "$job"
ask log "$job" | tail -15
is "$(ask show --json "$job" | jq -r '[.state, .stored] | @text')" '["done",1]' "a real boot is made by the units, and stored"
inside journalctl --no-pager -o cat -u nestlabd -u 'nestlab-worker@*' | tail -5 | sed 's/^/# /'
plan_done
