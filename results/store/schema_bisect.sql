-- SPDX-License-Identifier: GPL-2.0-only
--
-- The state of bisects (results/store/bisect.h). A bisect goes from running to done or refused; its
-- steps are only ever added.

CREATE TABLE bisect (
	id INTEGER PRIMARY KEY,
	session TEXT NOT NULL UNIQUE, -- run.session of its boots
	request TEXT NOT NULL CHECK (json_valid(request)),
	state TEXT NOT NULL CHECK (state IN ('running', 'done', 'refused')),
	answer TEXT NOT NULL DEFAULT '' CHECK (answer = '' OR json_valid(answer)),
	started TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE TABLE bisect_step (
	number INTEGER PRIMARY KEY, -- the order
	bisect INTEGER NOT NULL REFERENCES bisect (id),
	candidate TEXT NOT NULL,
	kernel_key TEXT NOT NULL,
	bzimage_sha256 TEXT NOT NULL,
	verdict TEXT NOT NULL CHECK (verdict IN ('good', 'bad', 'skip')),
	position REAL, -- 0: like the good end, 1: like the bad end
	low REAL,
	high REAL,
	boots INTEGER NOT NULL,
	seconds REAL NOT NULL,
	why TEXT NOT NULL,
	UNIQUE (bisect, candidate)
) STRICT;
