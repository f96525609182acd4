// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the page of a job up to date: what its log gets is added, and when something happened to it the part #state is fetched
 * anew, drawn by the server as before. */
"use strict";
(() => {
	const state = document.getElementById("state"), log = document.getElementById("log");
	const said = document.getElementById("live");
	const job = state.dataset.job;
	let after = state.dataset.after, offset = log.dataset.offset, source, fetching = false, again = false;

	async function redraw() {
		if (fetching) {
			again = true;
			return;
		}
		fetching = true;
		do {
			again = false;
			const answer = await fetch(location.pathname, {headers: {Accept: "text/html"}});
			if (!answer.ok)
				break;
			const page = new DOMParser().parseFromString(await answer.text(), "text/html");
			const fresh = page.getElementById("state");
			state.replaceChildren(...fresh.childNodes);
			if (fresh.dataset.over) {
				source.close();
				said.textContent = "This job is over.";
			}
		} while (again);
		fetching = false;
	}

	function add(text) {
		const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
		log.append(text);
		if (follows)
			log.scrollTop = log.scrollHeight;
	}

	function listen() {
		source = new EventSource(`/v1/events?job=${job}&after=${after}&log=${offset}`);
		source.onopen = () => { said.textContent = "This page follows the job."; };
		source.onerror = () => { // it would go on with where the log was when it began
			source.close();
			said.textContent = "The daemon does not answer; trying again.";
			setTimeout(listen, 2000);
		};
		source.addEventListener("log", event => {
			const part = JSON.parse(event.data);
			offset = part.offset;
			add(part.text);
		});
		for (const type of state.dataset.events.split(" "))
			source.addEventListener(type, event => {
				after = event.lastEventId;
				redraw();
			});
	}

	log.scrollTop = log.scrollHeight;
	if (!state.dataset.over)
		listen();
})();
