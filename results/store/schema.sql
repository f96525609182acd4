-- SPDX-License-Identifier: GPL-2.0-only
--
-- nestlab's database, version 1. A run is one boot; it and its rows are written in one transaction
-- and never changed: triggers refuse any UPDATE and DELETE, and rows for a run that is already
-- there. So a run's rows go in first and the run itself last (foreign keys are deferred).

PRAGMA application_id = 0x4e53544c; -- "NSTL"

CREATE TABLE run (
	id INTEGER PRIMARY KEY,
	-- kernel: key is the content hash under which kernels/ keeps it
	kernel_name TEXT NOT NULL,
	kernel_key TEXT NOT NULL,
	kernel_release TEXT,
	kernel_build_id TEXT,
	bzimage_sha256 TEXT,
	source_hash TEXT,
	patches_hash TEXT,
	config_hash TEXT,
	compiler TEXT,
	-- what was booted
	image_sha256 TEXT,
	agent_sha256 TEXT,
	plan_sha256 TEXT,
	cmdline TEXT,
	scenario_name TEXT NOT NULL,
	scenario_hash TEXT,
	-- where and when
	host_name TEXT NOT NULL,
	host_driver TEXT,
	host_identity TEXT,
	clock TEXT CHECK (clock IN ('emulated', 'tsc')),
	session TEXT NOT NULL,
	environment TEXT,
	boot INTEGER NOT NULL CHECK (boot > 0),
	seed INTEGER NOT NULL, -- 64 bits, as a signed number
	started TEXT NOT NULL,
	wall_seconds REAL NOT NULL,
	console_path TEXT,
	-- how it ended
	status TEXT NOT NULL CHECK (status IN ('pass', 'fail')),
	class TEXT CHECK (class IN ('infrastructure', 'job', 'guest', 'integrity', 'cancelled')),
	error TEXT,
	CHECK ((status = 'pass') = (class IS NULL))
) STRICT;

CREATE INDEX run_kernel ON run (kernel_name, kernel_key);
CREATE INDEX run_session ON run (session);

-- What is measured: a scenario with its parameters, a canonical JSON object.
CREATE TABLE measurement (
	id INTEGER PRIMARY KEY,
	scenario TEXT NOT NULL,
	params TEXT NOT NULL CHECK (json_valid(params)),
	UNIQUE (scenario, params)
) STRICT;

-- One metric of one measurement of one run. min, max, mean, median and p99 are in units; the
-- histogram is pairs of (bucket difference, count) as LEB128, in 1/scale of a unit (buckets:
-- common/histogram.h). Where higher is better p99 is the lowest hundredth.
CREATE TABLE metric (
	run INTEGER NOT NULL REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
	measurement INTEGER NOT NULL REFERENCES measurement (id),
	metric TEXT NOT NULL,
	unit TEXT NOT NULL,
	better TEXT NOT NULL CHECK (better IN ('lower', 'higher')),
	headline INTEGER NOT NULL CHECK (headline IN (0, 1)),
	smallest_effect REAL NOT NULL CHECK (smallest_effect >= 0), -- percent; 0: the clock's
	rounds INTEGER NOT NULL,
	warmup INTEGER NOT NULL,
	scale INTEGER NOT NULL CHECK (scale > 0),
	count INTEGER NOT NULL CHECK (count > 0),
	min REAL NOT NULL,
	max REAL NOT NULL,
	mean REAL NOT NULL,
	median REAL NOT NULL,
	p99 REAL NOT NULL,
	histogram BLOB NOT NULL,
	PRIMARY KEY (run, measurement, metric)
) STRICT, WITHOUT ROWID;

-- What a KVM statistic grew by over a measurement.
CREATE TABLE counter (
	run INTEGER NOT NULL REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
	measurement INTEGER NOT NULL REFERENCES measurement (id),
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (run, measurement, name)
) STRICT, WITHOUT ROWID;

-- A selftest (name), or a measurement that was skipped or failed (name is empty).
CREATE TABLE test (
	run INTEGER NOT NULL REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
	measurement INTEGER NOT NULL REFERENCES measurement (id),
	name TEXT NOT NULL,
	result TEXT NOT NULL CHECK (result IN ('pass', 'fail', 'skip')),
	text TEXT NOT NULL
) STRICT;

CREATE INDEX test_run ON test (run);

-- SHA-256 of a run's row and of all its rows (results/store/seal.h), written last.
CREATE TABLE seal (
	run INTEGER PRIMARY KEY REFERENCES run (id),
	sha256 TEXT NOT NULL
) STRICT;

CREATE TRIGGER run_closed BEFORE INSERT ON run
	WHEN EXISTS (SELECT 1 FROM run WHERE id = NEW.id)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER run_fixed BEFORE UPDATE ON run
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER run_kept BEFORE DELETE ON run
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER measurement_closed BEFORE INSERT ON measurement
	WHEN EXISTS (SELECT 1 FROM measurement WHERE id = NEW.id
		OR scenario = NEW.scenario AND params = NEW.params)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER measurement_fixed BEFORE UPDATE ON measurement
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER measurement_kept BEFORE DELETE ON measurement
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER metric_fixed BEFORE UPDATE ON metric
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER metric_kept BEFORE DELETE ON metric
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER metric_closed BEFORE INSERT ON metric
	WHEN EXISTS (SELECT 1 FROM run WHERE id = NEW.run)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER counter_fixed BEFORE UPDATE ON counter
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER counter_kept BEFORE DELETE ON counter
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER counter_closed BEFORE INSERT ON counter
	WHEN EXISTS (SELECT 1 FROM run WHERE id = NEW.run)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER test_fixed BEFORE UPDATE ON test
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER test_kept BEFORE DELETE ON test
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER test_closed BEFORE INSERT ON test
	WHEN EXISTS (SELECT 1 FROM run WHERE id = NEW.run)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER seal_closed BEFORE INSERT ON seal
	WHEN EXISTS (SELECT 1 FROM seal WHERE run = NEW.run)
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER seal_fixed BEFORE UPDATE ON seal
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
CREATE TRIGGER seal_kept BEFORE DELETE ON seal
	BEGIN SELECT RAISE(ABORT, 'results are immutable'); END;
