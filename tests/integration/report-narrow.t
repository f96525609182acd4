#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The pages on a telephone and by keyboard: no sideways scrolling of the page, whatever scrolls can have the
# focus, and axe-core finds nothing. Without npm or a network its part is skipped.
set -u
. "$(dirname "$0")/../lib/tap.sh"
build=$TOP/${BUILD:-build}
make_db=$build/tests/test_report_fixture
command -v chromium >/dev/null || skip_all "chromium is not installed (apt-get install chromium)"
[ -x "$make_db" ] || skip_all "$make_db is not built (make unit-programs)"
cd "$TMP" || exit 1
. "$TOP/tests/lib/axe.sh"
missing=$(fetch_axe)

cat >look.js <<'JS'
(async () => {
	document.querySelectorAll("details").forEach(d => d.open = true);
	const all = [...document.querySelectorAll("body *")];
	const scrolling = all.filter(e => e.scrollWidth > e.clientWidth + 1 &&
		["auto", "scroll"].includes(getComputedStyle(e).overflowX));
	const deaf = scrolling.filter(e => { e.focus(); return document.activeElement !== e ||
		!e.getAttribute("aria-label"); });
	const outside = all.filter(e => !e.parentElement.closest(".scroll") &&
		e.getBoundingClientRect().right > innerWidth + 1);
	const audited = typeof axe == "object" && [360, 1280].includes(innerWidth);
	const found = audited ? (await axe.run(document)).violations : [];
	return {title: document.title, width: innerWidth, page: document.documentElement.scrollWidth,
		scrolling: scrolling.length, deaf: deaf.length, outside: outside.map(e => e.outerHTML.slice(0, 60)),
		dark: matchMedia("(prefers-color-scheme: dark)").matches, audited: audited,
		violations: found.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target).join(", "))};
})()
JS
cat >bad.html <<'HTML'
<!DOCTYPE html><html><head><meta name="viewport" content="width=device-width, minimum-scale=1"/></head>
<body><p>____________________________________________________________________________________</p>
<div style="overflow-x:auto"><p style="width:2000px;color:#ccc;background:#fff">pale</p></div></body></html>
HTML
cat >policy.json <<'JSON'
{ "rules": [ { "scenario": "multiplex", "metric": "switch", "allowed_change": 1,
	"allowed_change_p99": 3 } ] }
JSON
looks=(bad.html:360:light)
pages=()
add_page() { # add_page PAGE: to be looked at
	pages+=("$1")
	for shape in 320:light 360:light 360:dark 400:light 1280:light 1280:dark; do
		looks+=("$1:$shape")
	done
}
"$NESTLAB" explain --from "$TOP/tests/fixtures/explanation.json" --format html -o explain.html
add_page explain.html
for kind in hostile part; do
	"$make_db" $kind $kind.db || exit 1
	new=$(sqlite3 $kind.db "SELECT substr(kernel_key, 1, 12) FROM run WHERE kernel_name != 'baseline' LIMIT 1")
	"$NESTLAB" report signoff --policy policy.json --base baseline --new "$new" --db $kind.db -o $kind >/dev/null 2>&1
	"$NESTLAB" report baseline "$new" --db $kind.db --format html -o $kind/report.html
	add_page $kind/signoff.html
	add_page $kind/report.html
done
scripts=(look.js)
[ -n "$missing" ] || scripts=("$AXE" look.js)
python3 "$TOP/tests/lib/browser.py" "${scripts[@]}" -- "${looks[@]}" >all.json 2>err
is $? 0 "the browser shows every page"
sed 's/^/# /' err

# the test itself: does it see what is wrong?
is "$(sed -n 1p all.json | jq -c '[.page > .width, .deaf, .outside != []]')" '[true,1,true]' \
	"a page that scrolls sideways is seen, and a part that no keyboard scrolls"
if [ -n "$missing" ]; then
	skip "axe-core sees pale text" "$missing"
else
	like "$(sed -n 1p all.json)" 'color-contrast: ' "axe-core sees pale text"
fi
for i in "${!pages[@]}"; do
	page=${pages[i]}
	sed -n "$((2 + 6 * i)),$((7 + 6 * i))p" all.json >page.json
	is "$(jq -c '[.width, .dark]' page.json | tr -d '\n')" \
		'[320,false][360,false][360,true][400,false][1280,false][1280,true]' "$page: at four widths, light and dark"
	is "$(jq -c 'select(.page > .width or .outside != []) | [.page, .width, .outside]' page.json)" "" \
		"$page: the page scrolls sideways at no width"
	is "$(jq 'select(.width < 500) | .scrolling > 0 and .deaf == 0' page.json | sort -u)" true \
		"$page: what scrolls in it can have the focus, and has a name"
	if [ -n "$missing" ]; then
		skip "$page: axe-core finds nothing" "$missing"
	else
		is "$(jq -c 'select(.audited) | .violations' page.json | tr -d '\n')" '[][][][]' \
			"$page: axe-core finds nothing, at 360 and 1280, light and dark"
	fi
done

plan_done
