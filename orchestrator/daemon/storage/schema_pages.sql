-- SPDX-License-Identifier: GPL-2.0-only
--
-- Version 3: browsers that are logged in (session.h), and which change another one is a duplicate of.

CREATE TABLE session (
	sha256 TEXT PRIMARY KEY,	-- of the cookie's value
	token TEXT NOT NULL REFERENCES token (sha256) ON DELETE CASCADE,
	created TEXT NOT NULL,
	expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_token ON session (token);

ALTER TABLE change ADD COLUMN duplicate_of INTEGER REFERENCES change (id);
