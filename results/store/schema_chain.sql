-- SPDX-License-Identifier: GPL-2.0-only
--
-- Version 3: the seals form a chain (results/store/chain.h). The seals of version 2, one of each run,
-- are kept as they were: results/store/chain.c makes the first links of them, and drops seal_before.

CREATE TABLE seal_before AS SELECT run, sha256 FROM seal;
DROP TABLE seal;

-- One row: which database this is, and since when its rows are chained.
CREATE TABLE origin (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	name TEXT NOT NULL, -- random, so that no two databases have one
	started TEXT NOT NULL,
	adopted INTEGER NOT NULL -- the seals 2 to adopted + 1 are of rows that were there before
) STRICT;

-- What was taken from other databases (`nestlab db merge`): a row where something was added.
CREATE TABLE merge (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL, -- the other's origin; empty where it was not chained
	seals INTEGER NOT NULL, -- its head then
	head TEXT NOT NULL,
	boots INTEGER NOT NULL, -- added
	merged TEXT NOT NULL
) STRICT;

CREATE TABLE seal (
	number INTEGER PRIMARY KEY, -- 1, 2, 3, ...
	kind TEXT NOT NULL CHECK (kind IN
		('origin', 'run', 'bisect', 'bisect_step', 'bisect_end', 'merge')),
	row INTEGER NOT NULL, -- its primary key
	sha256 TEXT NOT NULL, -- of the row; of a run with all its rows
	head TEXT NOT NULL -- SHA-256 of the head before, number, kind, row and sha256
) STRICT;

CREATE INDEX seal_row ON seal (kind, row);

INSERT INTO origin (id, name, started, adopted) VALUES (1, lower(hex(randomblob(16))),
	strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
	(SELECT count(*) FROM run) + (SELECT count(*) FROM bisect_step)
		+ (SELECT count(*) + coalesce(sum(state <> 'running'), 0) FROM bisect));

CREATE TRIGGER seal_closed BEFORE INSERT ON seal
	WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM seal)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER seal_fixed BEFORE UPDATE ON seal
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER seal_kept BEFORE DELETE ON seal
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER origin_closed BEFORE INSERT ON origin
	WHEN EXISTS (SELECT 1 FROM origin)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER origin_fixed BEFORE UPDATE ON origin
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER origin_kept BEFORE DELETE ON origin
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER merge_closed BEFORE INSERT ON merge
	WHEN EXISTS (SELECT 1 FROM merge WHERE id = NEW.id)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER merge_fixed BEFORE UPDATE ON merge
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER merge_kept BEFORE DELETE ON merge
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
-- A bisect ends, and may be asked again after its end; nothing else of it changes.
CREATE TRIGGER bisect_closed BEFORE INSERT ON bisect
	WHEN EXISTS (SELECT 1 FROM bisect WHERE id = NEW.id OR session = NEW.session)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER bisect_fixed BEFORE UPDATE OF id, session, request, started ON bisect
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER bisect_kept BEFORE DELETE ON bisect
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER bisect_step_fixed BEFORE UPDATE ON bisect_step
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER bisect_step_kept BEFORE DELETE ON bisect_step
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
