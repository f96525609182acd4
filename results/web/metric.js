// SPDX-License-Identifier: GPL-2.0-only
/* In the place of the plot that was drawn on the server one that can be zoomed, from the numbers in the table: drag across it to
 * zoom, double-click to see all again, click nights to pick two. Without dygraphs on the daemon's machine the drawn plot stays. */
"use strict";
(() => {
	if (typeof Dygraph == "undefined")
		return;
	const rows = [...document.querySelectorAll("tr[data-number]")].reverse();
	const zoom = document.getElementById("zoom"), said = document.getElementById("said");
	const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	const number = row => Number(row.dataset.number);
	const find = x => rows.find(row => number(row) == x);
	const words = row => [...row.querySelectorAll("td")].slice(2, 7).map(cell => cell.textContent).filter(Boolean).join(", ");
	let side = 0;

	function say(x) {
		const row = find(x);
		if (row)
			said.textContent = `Night ${x}: ${words(row)}`;
	}

	function pick(x) {
		const row = find(x);
		if (!row)
			return;
		row.querySelectorAll("input")[side].checked = true;
		said.textContent = `Compare ${side ? "to" : "from"} night ${x}: ${words(row)}`;
		side = 1 - side;
	}

	function mark(canvas, area, graph) {
		canvas.strokeStyle = ink("--bad");
		canvas.setLineDash([4, 3]);
		for (const row of rows.filter(r => "mark" in r.dataset)) {
			const x = Math.round(graph.toDomXCoord(number(row) - 0.5)) + 0.5;
			if (x < area.x || x > area.x + area.w)
				continue;
			canvas.beginPath();
			canvas.moveTo(x, area.y);
			canvas.lineTo(x, area.y + area.h);
			canvas.stroke();
		}
		canvas.setLineDash([]);
	}

	// its legend sets styles in a way that the page's policy refuses; nobody needs it here
	Dygraph.PLUGINS = Dygraph.PLUGINS.filter(plugin => plugin != Dygraph.Plugins.Legend);
	document.getElementById("plot").hidden = true;
	zoom.hidden = said.hidden = false;
	said.textContent = "Drag across the plot to zoom, double-click to see all nights. Click two nights to pick them for a comparison.";
	zoom.setAttribute("role", "img");
	zoom.setAttribute("aria-label", "Medians of the nights, with 95 % intervals; the table below has the numbers");
	const values = rows.flatMap(row => [Number(row.dataset.low), Number(row.dataset.high)]);
	const low = Math.min(...values), high = Math.max(...values), middle = (low + high) / 2;
	const half = Math.max((high - low) / 2, Math.abs(middle) * 0.005) * 1.06;
	const graph = zoom.graph = new Dygraph(zoom, rows.map(row =>
		[number(row), [Number(row.dataset.low), Number(row.dataset.median), Number(row.dataset.high)]]), {
		labels: ["night", "median"], customBars: true, colors: [ink("--line")], gridLineColor: ink("--rule"),
		axisLineColor: ink("--rule"), drawPoints: true, pointSize: 3, highlightCircleSize: 5, legend: "never",
		valueRange: [middle - half, middle + half], axes: {y: {axisLabelWidth: 70}}, xRangePad: 12,
		highlightCallback: (event, x) => say(x), pointClickCallback: (event, point) => pick(point.xval),
		underlayCallback: mark,
	});
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
		graph.updateOptions({colors: [ink("--line")], gridLineColor: ink("--rule"), axisLineColor: ink("--rule")}));
})();
