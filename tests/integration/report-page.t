#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The page in a browser: no complaint on its console, every plot drawn, no text outside its plot.
# The browser is Debian's chromium, which `make check` installs and `make run` does not.
set -u
. "$(dirname "$0")/../lib/tap.sh"
make_db=$TOP/${BUILD:-build}/tests/test_report_fixture
command -v chromium >/dev/null || skip_all "chromium is not installed (apt-get install chromium)"
[ -x "$make_db" ] || skip_all "$make_db is not built (make unit-programs)"
cd "$TMP" || exit 1

browse() { # browse PAGE ARGUMENT...: the DOM on stdout, what the console says in console.txt
	timeout 900 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
		--user-data-dir="$TMP/profile" --enable-logging=stderr --window-size=1100,900 \
		"${@:2}" "file://$TMP/$1" 2>log.txt
	grep -aE 'CONSOLE' log.txt >console.txt
}

# Appended to a copy of a page: measures every plot as the browser laid it out.
probe() { # probe PAGE COPY
	sed 's|</body>||; s|</html>||' "$1" >"$2"
	cat >>"$2" <<-'JS'
	<pre id="probe"></pre><script>
	//<![CDATA[
	document.querySelectorAll("details").forEach(d => d.open = true);
	const out = [];
	document.querySelectorAll("svg").forEach(svg => {
		const frame = svg.getBoundingClientRect();
		const marks = [...svg.querySelectorAll(".marker")].filter(m => m.getBoundingClientRect().width > 0);
		const lines = [...svg.querySelectorAll("polyline,line")].filter(l => {
			const b = l.getBoundingClientRect(); return b.width + b.height > 0; });
		const outside = [...svg.querySelectorAll("text")].filter(t => {
			const b = t.getBoundingClientRect();
			return b.left < frame.left - 1 || b.right > frame.right + 1 ||
				b.top < frame.top - 1 || b.bottom > frame.bottom + 1; });
		out.push(["plot", svg.id, frame.width > 400 && frame.height > 80 ? "sized" : "flat",
			marks.length > 1 && lines.length > 4 ? "drawn" : "empty",
			outside.map(t => t.textContent).join("|") || "inside"].join(" "));
	});
	const wide = document.documentElement.scrollWidth > innerWidth;
	out.push("page " + (wide ? "scrolls" : "fits"));
	document.getElementById("probe").textContent = out.join("\n");
	//]]>
	</script></body></html>
	JS
}

# the test itself: does it see a complaint, and a plot that is not drawn?
echo '<!DOCTYPE html><html><body><svg id="none"></svg><script>nosuch()</script></body></html>' >bad.html
probe bad.html bad-probe.html
browse bad-probe.html --dump-dom >bad.dom
like "$(cat console.txt)" 'nosuch' "a complaint on the console is seen"
like "$(cat bad.dom)" 'plot none .*empty' "a plot that is not drawn is seen"

cat >policy.json <<-'JSON'
{ "rules": [ { "scenario": "multiplex", "metric": "switch", "allowed_change": 1,
	"allowed_change_p99": 3 } ] }
JSON
for kind in better regressed part hostile; do
	"$make_db" $kind $kind.db || exit 1
	new=$(sqlite3 $kind.db "SELECT substr(kernel_key, 1, 12) FROM run WHERE kernel_name != 'baseline' LIMIT 1")
	"$NESTLAB" report signoff --policy policy.json --base baseline --new "$new" --db $kind.db -o $kind \
		>/dev/null 2>&1
	cp $kind/signoff.html $kind.html
	probe $kind.html $kind-probe.html
	browse $kind-probe.html --dump-dom >$kind.dom
	is "$(cat console.txt)" "" "$kind: nothing on the console"
	sed -n '/id="probe"/,/<\/pre>/p' $kind.dom | sed 's/<[^>]*>//g' | grep -E '^(plot|page)' >$kind.plots
	is "$(grep -c '^plot' $kind.plots)" "$(grep -c '<svg' $kind.html)" "$kind: every plot was measured"
	is "$(grep '^plot' $kind.plots | grep -v ' sized drawn inside$')" "" \
		"$kind: every plot has size and marks, and all its text within"
	is "$(grep '^page' $kind.plots)" "page fits" "$kind: the page needs no sideways scrolling"
done

# it can be printed, and its dark face is another one
browse better.html --print-to-pdf="$TMP/better.pdf" >/dev/null
is "$(head -c 5 better.pdf)" "%PDF-" "it prints"
browse better.html --screenshot="$TMP/light.png" >/dev/null
browse better.html --screenshot="$TMP/dark.png" --force-dark-mode --blink-settings=preferredColorScheme=0 >/dev/null
! cmp -s light.png dark.png
ok $? "the dark face differs from the light one"

plan_done
