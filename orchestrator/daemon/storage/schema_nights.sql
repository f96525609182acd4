-- SPDX-License-Identifier: GPL-2.0-only
--
-- Version 2: nights (docs/daemon.md). Times of a calendar are seconds since 1970: a calendar is wall time.

CREATE TABLE schedule (
	name TEXT PRIMARY KEY,
	sha256 TEXT NOT NULL,	-- of its file: another one is another calendar
	next INTEGER,		-- NULL: never
	last_job TEXT,
	error TEXT		-- why it does not run; NULL: it does
) STRICT, WITHOUT ROWID;

-- One kernel of one night.
CREATE TABLE night (
	id INTEGER PRIMARY KEY,
	schedule TEXT NOT NULL,
	branch TEXT NOT NULL,	-- the ref, or the variant
	kernel TEXT NOT NULL,	-- run.kernel_name of its boots
	path TEXT NOT NULL,	-- what a request calls it
	tree TEXT, commit_id TEXT, variant TEXT,
	job TEXT NOT NULL,
	time TEXT NOT NULL,
	looked INTEGER NOT NULL DEFAULT 0 CHECK (looked IN (0, 1)),	-- for alarms
	UNIQUE (job, branch)
) STRICT;
CREATE INDEX night_branch ON night (schedule, branch, id);
CREATE INDEX night_new ON night (id) WHERE looked = 0;

-- alarm -> confirming -> confirmed -> bisecting -> culprit -> reported -> fixed; or noise, inconclusive; or drift
CREATE TABLE change (
	id INTEGER PRIMARY KEY,
	schedule TEXT NOT NULL,
	branch TEXT NOT NULL,
	environment TEXT NOT NULL,
	good INTEGER NOT NULL REFERENCES night (id),
	bad INTEGER NOT NULL REFERENCES night (id),
	state TEXT NOT NULL CHECK (state IN ('alarm', 'confirming', 'confirmed', 'bisecting', 'culprit', 'reported',
		'fixed', 'noise', 'inconclusive', 'drift')),
	why TEXT,		-- of noise, inconclusive; what a bisect could not find
	confirm_job TEXT, bisect_job TEXT,
	culprit TEXT, subject TEXT,
	fixed INTEGER REFERENCES night (id),
	triage TEXT CHECK (triage IN ('acknowledged', 'wontfix', 'duplicate')), -- what people say of it
	owner TEXT, note TEXT,
	opened TEXT NOT NULL,
	changed TEXT NOT NULL,
	version INTEGER NOT NULL DEFAULT 1,
	UNIQUE (schedule, branch, environment, bad)
) STRICT;
CREATE INDEX change_state ON change (state);

CREATE TABLE change_metric (
	change INTEGER NOT NULL REFERENCES change (id),
	scenario TEXT NOT NULL, params TEXT NOT NULL, metric TEXT NOT NULL,
	unit TEXT NOT NULL,
	before REAL NOT NULL, after REAL NOT NULL,	-- levels of the nights
	ratio REAL, low REAL, high REAL, verdict TEXT,	-- of the confirmation
	PRIMARY KEY (change, scenario, params, metric)
) STRICT, WITHOUT ROWID;

-- What is to be sent, written in the transaction of its cause.
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY,
	dedupe TEXT NOT NULL UNIQUE,
	change INTEGER REFERENCES change (id),
	recipients TEXT NOT NULL CHECK (json_valid(recipients)),
	payload TEXT NOT NULL,	-- the mail as it is sent
	tries INTEGER NOT NULL DEFAULT 0,
	next_try INTEGER NOT NULL DEFAULT 0, -- seconds since 1970
	sent TEXT,
	error TEXT
) STRICT;
CREATE INDEX outbox_open ON outbox (next_try) WHERE sent IS NULL;
