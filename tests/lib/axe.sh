# SPDX-License-Identifier: GPL-2.0-only
# axe.sh - after tap.sh: axe-core (MPL-2.0), which looks for what shuts people out of a page. It is not ours to keep here: npm
# fetches it once, into build/.
#
#	missing=$(fetch_axe)	why it is not there; empty: it is at $AXE
AXE_VERSION=4.13.0
AXE=$TOP/${BUILD:-build}/axe-core-$AXE_VERSION/axe.min.js

fetch_axe() {
	[ -s "$AXE" ] && return
	command -v npm >/dev/null || { echo "npm is not installed"; return; }
	timeout 120 npm pack --silent axe-core@$AXE_VERSION >npm.out 2>&1 || { echo "npm cannot fetch axe-core"; return; }
	tar -xzf axe-core-$AXE_VERSION.tgz package/axe.min.js || return
	mkdir -p "${AXE%/*}" && cp package/axe.min.js "$AXE.$$" && mv "$AXE.$$" "$AXE"
}
