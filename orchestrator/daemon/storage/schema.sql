-- SPDX-License-Identifier: GPL-2.0-only
--
-- nestlabd's queue, version 1: what was asked for, who works at it, what came in. Results are elsewhere
-- (results/store/schema.sql). Only the writer thread (writer.h) writes here; every transition is an UPDATE
-- guarded by state and epoch, with its event in the same transaction.
--
-- Moments that something waits for are in milliseconds of CLOCK_BOOTTIME: no step of the wall clock moves
-- them. They are shifted at a start on another boot of the machine (database.c). Times of day (ISO 8601, UTC)
-- are for people.

PRAGMA application_id = 0x4e535444; -- "NSTD"

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE job (
	id INTEGER PRIMARY KEY,
	uid TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,	-- the request's; or nightly, confirm, health: what it is for
	request TEXT NOT NULL CHECK (json_valid(request)), -- orchestrator/request/request.h
	owner TEXT NOT NULL,
	priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 100),
	state TEXT NOT NULL CHECK (state IN ('held', 'waiting', 'queued', 'running', 'judging', 'done', 'failed',
		'cancelled')),
	verdict TEXT,		-- of a job that is done: regressed, improved, unchanged, inconclusive; or NULL
	class TEXT,		-- whose trouble it was (results/store/store.h); NULL: nobody's
	error TEXT,
	status INTEGER,		-- exit status of the job's process, if it is one process
	parent TEXT,		-- uid of the job that this one came from (a retry, a confirmation)
	after INTEGER REFERENCES job (id),	-- starts when that one is over
	schedule TEXT,		-- name; its jobs are nights
	idempotency TEXT UNIQUE,	-- OWNER/KEY of the request that made it
	deadline INTEGER,	-- boottime
	pool TEXT, tags TEXT,	-- hosts that may have it: a name; a JSON array of names, sorted
	host TEXT,		-- only that one (health)
	submitted TEXT NOT NULL,
	started TEXT,
	ended TEXT,
	version INTEGER NOT NULL DEFAULT 1	-- counts its changes: the ETag
) STRICT;
CREATE INDEX job_state ON job (state, id);
CREATE INDEX job_after ON job (after) WHERE after IS NOT NULL;
CREATE INDEX job_deadline ON job (deadline) WHERE deadline IS NOT NULL AND ended IS NULL;

-- Boots that are alike to those who take them: what they need of a host, whose they are, whether a night's.
CREATE TABLE lane (
	id INTEGER PRIMARY KEY,
	need TEXT NOT NULL,	-- canonical JSON: {"host":..., "pool":..., "tags":[...], "only":...}
	owner TEXT NOT NULL,
	night INTEGER NOT NULL CHECK (night IN (0, 1)),
	UNIQUE (need, owner, night)
) STRICT;

-- What travels: one boot of one kernel; or a whole command, where a job cannot be cut into boots.
CREATE TABLE boot (
	id INTEGER PRIMARY KEY,
	uid TEXT NOT NULL UNIQUE,	-- JOB.N
	job INTEGER NOT NULL REFERENCES job (id),
	ordinal INTEGER NOT NULL,
	request TEXT NOT NULL,		-- what is carried out
	shared INTEGER NOT NULL CHECK (shared IN (0, 1)),	-- it reads the database of all results
	lane INTEGER NOT NULL REFERENCES lane (id),
	priority INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'leased', 'running', 'received', 'stored', 'failed',
		'cancelled')),
	epoch INTEGER NOT NULL DEFAULT 0,	-- counts its attempts, ever
	tries INTEGER NOT NULL DEFAULT 0,	-- failed ones since it was queued, or retried by somebody
	not_before INTEGER,	-- of one that is waiting; NULL: until its job starts
	host TEXT,		-- of the attempt that runs
	holder TEXT,		-- the agent that holds the lease
	expires INTEGER,	-- of the lease
	progress TEXT,		-- JSON, what the agent said last
	class TEXT,
	error TEXT,
	UNIQUE (job, ordinal)
) STRICT;
CREATE INDEX boot_queued ON boot (lane, priority DESC, id) WHERE state = 'queued';
CREATE INDEX boot_leased ON boot (expires) WHERE state IN ('leased', 'running');
CREATE INDEX boot_held ON boot (holder) WHERE state IN ('leased', 'running');
CREATE INDEX boot_waiting ON boot (not_before) WHERE state = 'waiting';

CREATE TABLE attempt (
	boot INTEGER NOT NULL REFERENCES boot (id),
	epoch INTEGER NOT NULL,
	host TEXT NOT NULL,
	agent TEXT NOT NULL,
	started TEXT NOT NULL,
	began INTEGER NOT NULL,	-- boottime, for the owner's share
	ended TEXT,
	outcome TEXT CHECK (outcome IN ('received', 'failed', 'lost', 'cancelled')),
	class TEXT,
	error TEXT,
	PRIMARY KEY (boot, epoch)
) STRICT, WITHOUT ROWID;

-- Results as they came. `new` is imported, once; everything else is kept to be looked at, and never counted.
CREATE TABLE inbox (
	id INTEGER PRIMARY KEY,
	boot INTEGER NOT NULL REFERENCES boot (id),
	epoch INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	received TEXT NOT NULL,
	body BLOB,	-- NULL once it is imported
	status INTEGER,	-- exit status of its command
	error TEXT,	-- the last that it complained of
	state TEXT NOT NULL CHECK (state IN ('new', 'imported', 'duplicate', 'rejected')),
	UNIQUE (boot, epoch)
) STRICT;
CREATE INDEX inbox_new ON inbox (id) WHERE state = 'new';

CREATE TABLE host (
	name TEXT PRIMARY KEY,
	pool TEXT,
	tags TEXT NOT NULL DEFAULT '[]',
	serves TEXT NOT NULL DEFAULT '[]',	-- names of host files that its agent boots on
	state TEXT NOT NULL CHECK (state IN ('up', 'draining', 'quarantined', 'reserved', 'retired')),
	reason TEXT,
	reserved_by TEXT,
	infra_in_row INTEGER NOT NULL DEFAULT 0,
	seen TEXT NOT NULL,
	asked INTEGER NOT NULL,	-- boottime of its agent's last question for work
	last_health TEXT,
	health_due INTEGER,	-- boottime
	health_job TEXT,	-- uid of the health job that is under way
	version INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- Core-seconds that an owner has used, halved every 12 hours (lease.c).
CREATE TABLE usage (owner TEXT PRIMARY KEY, seconds REAL NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Everything that changed, in order: what listeners get, and who did it.
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	time TEXT NOT NULL,
	type TEXT NOT NULL,
	job TEXT,
	boot TEXT,
	data TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX event_job ON event (job, id);

CREATE TABLE token (
	sha256 TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	scope TEXT NOT NULL CHECK (scope IN ('viewer', 'submitter', 'agent', 'operator', 'admin')),
	host TEXT,		-- of an agent's
	created TEXT NOT NULL,
	expires TEXT,		-- time of day; NULL: never
	CHECK ((scope = 'agent') = (host IS NOT NULL))
) STRICT, WITHOUT ROWID;
