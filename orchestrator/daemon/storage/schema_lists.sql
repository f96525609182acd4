-- SPDX-License-Identifier: GPL-2.0-only
--
-- Version 4: lists that are watched (watch/), and what leaves besides mails.

-- Where the looking at an archive is. place '': of the whole, `began`; else of a git repository in it.
CREATE TABLE list_place (
	schedule TEXT NOT NULL,
	place TEXT NOT NULL,
	began INTEGER NOT NULL,	-- mails from before this moment (seconds since 1970) are passed over
	commit_id TEXT,		-- the last one whose mail was taken
	PRIMARY KEY (schedule, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_thread (
	id INTEGER PRIMARY KEY,
	schedule TEXT NOT NULL,
	root TEXT NOT NULL,	-- the message id that all of it goes back to, seen or not
	subject TEXT NOT NULL,
	began TEXT NOT NULL,
	mails INTEGER NOT NULL DEFAULT 0,
	looked INTEGER NOT NULL DEFAULT 0,	-- how many there were when it was looked through last
	state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'talk', 'incomplete', 'series')),
	why TEXT,
	UNIQUE (schedule, root)
) STRICT;
CREATE INDEX list_thread_new ON list_thread (id) WHERE mails > looked;

CREATE TABLE list_mail (
	id INTEGER PRIMARY KEY,
	schedule TEXT NOT NULL,
	message_id TEXT NOT NULL,	-- or what else it is called by, where that is what is wrong with it
	thread INTEGER REFERENCES list_thread (id),
	subject TEXT NOT NULL,
	received TEXT NOT NULL,
	body BLOB,	-- until nobody needs it any more
	refused TEXT,	-- why it counts for nothing
	UNIQUE (schedule, message_id)
) STRICT;
CREATE INDEX list_mail_thread ON list_mail (thread, id);

-- One version of a patch series. new -> passed (the filter's), unapplied, or queued -> measured, broken, failed
CREATE TABLE list_series (
	id INTEGER PRIMARY KEY,
	schedule TEXT NOT NULL,
	thread INTEGER NOT NULL REFERENCES list_thread (id),
	version INTEGER NOT NULL,
	message_id TEXT NOT NULL,	-- of the mail that is answered: the cover letter or the first patch
	refs TEXT NOT NULL,		-- what that one refers to, the oldest first
	subject TEXT NOT NULL,
	author TEXT NOT NULL, email TEXT NOT NULL, date TEXT NOT NULL,
	kin TEXT NOT NULL,		-- what all versions have in common
	base_commit TEXT,		-- as the mails name it
	patches TEXT NOT NULL CHECK (json_valid(patches)),	-- [{"title":, "print":}]
	state TEXT NOT NULL CHECK (state IN ('new', 'passed', 'refused', 'unapplied', 'queued', 'measured', 'broken',
		'failed', 'superseded')),
	why TEXT,
	verdict TEXT,
	base TEXT,		-- run.kernel_name of its base
	base_path TEXT, base_branch TEXT, base_tree TEXT, base_variant TEXT,
	kernel TEXT,		-- run.kernel_name of its own boots
	path TEXT,		-- what a request calls it
	job TEXT,
	before INTEGER REFERENCES list_series (id),	-- the version that it takes the place of
	found TEXT NOT NULL,
	changed TEXT NOT NULL,
	UNIQUE (schedule, thread, version)
) STRICT;
CREATE INDEX list_series_open ON list_series (id) WHERE state IN ('new', 'queued');
CREATE INDEX list_series_kin ON list_series (schedule, kin);

ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'mail' CHECK (kind IN ('mail', 'webhook', 'kcidb'));
ALTER TABLE outbox ADD COLUMN target TEXT;	-- of what is no mail: an address, or a folder
ALTER TABLE outbox ADD COLUMN series INTEGER REFERENCES list_series (id);
ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)); -- a draft, until somebody sends it

ALTER TABLE change ADD COLUMN explain_job TEXT;
ALTER TABLE change ADD COLUMN explained TEXT;	-- what moved most, lines of text
