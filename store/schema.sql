-- SPDX-License-Identifier: GPL-3.0-or-later
-- The store's tables, as the steps by which a file reaches each version: PRAGMA user_version says which have been made.
-- A step that has been released is never changed; a change is a new step. Times are ms UTC, "minute" and "hour" count from the epoch.

-- version 1
CREATE TABLE server (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);
-- Accounts, recipients, paths and listeners as the log had them: bytes, not necessarily UTF-8. 0 is the empty one.
CREATE TABLE word (
	id   INTEGER PRIMARY KEY,
	text BLOB NOT NULL UNIQUE
);
INSERT INTO word (id, text) VALUES (0, x'');
-- key: family (4 or 6) and 4 or 16 bytes: sorts like addresses do. first_hour, last_hour: where its refusals and attempts are to be found.
CREATE TABLE addr (
	id           INTEGER PRIMARY KEY,
	server       INTEGER NOT NULL,
	key          BLOB NOT NULL,
	bans         INTEGER NOT NULL DEFAULT 0,
	last_ban     INTEGER,
	last_class   INTEGER,
	refused      INTEGER NOT NULL DEFAULT 0,
	last_refused INTEGER,
	first_hour   INTEGER,
	last_hour    INTEGER,
	UNIQUE (server, key)
);
-- time .. last: the lines that were one ban. ended, how: enum ban_end.
CREATE TABLE ban (
	id        INTEGER PRIMARY KEY,
	server    INTEGER NOT NULL,
	time      INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	addr      INTEGER NOT NULL,
	class     INTEGER NOT NULL,
	account   INTEGER NOT NULL DEFAULT 0,
	recipient INTEGER NOT NULL DEFAULT 0,
	path      INTEGER NOT NULL DEFAULT 0,
	listener  INTEGER NOT NULL DEFAULT 0,
	lines     INTEGER NOT NULL DEFAULT 1,
	ended     INTEGER,
	how       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX ban_time ON ban (time, server);
CREATE INDEX ban_addr ON ban (addr, time);
-- Bans once more, packed (store/history_scan.c): what makes a million of them countable while you wait. first, last: ban ids.
CREATE TABLE seg (
	first  INTEGER PRIMARY KEY,
	last   INTEGER NOT NULL,
	oldest INTEGER NOT NULL,
	newest INTEGER NOT NULL,
	data   BLOB NOT NULL
);
-- By hour first: what comes in is written to few pages, whoever it is from. An address' own rows are found hour by hour.
CREATE TABLE refused (
	hour     INTEGER NOT NULL,
	addr     INTEGER NOT NULL,
	listener INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (hour, addr, listener)
) WITHOUT ROWID;
-- account: the account, or the recipient of an abuse attempt.
CREATE TABLE attempt (
	hour     INTEGER NOT NULL,
	addr     INTEGER NOT NULL,
	class    INTEGER NOT NULL,
	minute   INTEGER NOT NULL,
	account  INTEGER NOT NULL,
	listener INTEGER NOT NULL,
	server   INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (hour, addr, class, minute, account, listener)
) WITHOUT ROWID;
-- Entries of the blocked list: since when one was there, and until when. key: as in addr, and the prefix length behind it. line: a ban that
-- the log told of explains it.
CREATE TABLE seen (
	id     INTEGER PRIMARY KEY,
	server INTEGER NOT NULL,
	key    BLOB NOT NULL,
	first  INTEGER NOT NULL,
	gone   INTEGER,
	how    INTEGER NOT NULL DEFAULT 0,
	line   INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX seen_now ON seen (server, key) WHERE gone IS NULL;
CREATE INDEX seen_key ON seen (server, key);
CREATE TABLE cursor (
	server INTEGER NOT NULL,
	source TEXT NOT NULL,
	cursor TEXT NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (server, source)
) WITHOUT ROWID;
-- What a server's log has been read for, as far as is known: oldest and newest line, and the newest attempt.
CREATE TABLE covered (
	server  INTEGER PRIMARY KEY,
	oldest  INTEGER NOT NULL,
	newest  INTEGER NOT NULL,
	attempt INTEGER
);

-- version 2
CREATE TABLE change (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	server   INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	ended    INTEGER,
	operator TEXT NOT NULL,
	reason   TEXT NOT NULL DEFAULT '',
	forced   TEXT NOT NULL DEFAULT '',
	classes  INTEGER NOT NULL DEFAULT 0,
	undoes   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX change_time ON change (time);
CREATE TABLE step (
	change INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	kind   INTEGER NOT NULL,
	ok     INTEGER NOT NULL,
	ms     INTEGER NOT NULL,
	first  INTEGER NOT NULL,
	count  INTEGER NOT NULL,
	detail TEXT,
	PRIMARY KEY (change, seq)
) WITHOUT ROWID;
-- value: the threshold set; of a scan path, where it was; of an undo, the text put back. kind, verdict, reason and class by name: the enums may grow in the middle. undone: the change that took it back.
CREATE TABLE edit (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	change   INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	kind     TEXT NOT NULL,
	target   TEXT NOT NULL,
	key      BLOB,
	note     TEXT,
	author   TEXT,
	reason   TEXT NOT NULL DEFAULT '',
	created  INTEGER,
	expires  INTEGER,
	class    TEXT NOT NULL DEFAULT '',
	value    TEXT,
	verdict  TEXT NOT NULL DEFAULT 'pending',
	why      INTEGER NOT NULL DEFAULT 0,
	no_op    INTEGER NOT NULL DEFAULT 0,
	undone   INTEGER NOT NULL DEFAULT 0,
	before   TEXT,
	after    TEXT,
	detail   TEXT
);
CREATE UNIQUE INDEX edit_change ON edit (change, seq);
CREATE INDEX edit_target ON edit (target);

-- version 3
CREATE TABLE remember (
	scope TEXT NOT NULL,
	key   TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE TABLE rescue (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	time   INTEGER NOT NULL,
	server TEXT NOT NULL,
	what   TEXT NOT NULL,
	text   BLOB NOT NULL
);

-- version 4
-- Names that stored certificates had when they were seen last, by the server's URL. sha256: NULL = not known.
CREATE TABLE cert_seen (
	server    TEXT NOT NULL,
	name      TEXT NOT NULL,
	id        TEXT NOT NULL,
	issuer    TEXT NOT NULL,
	sha256    BLOB,
	not_after INTEGER,
	seen      INTEGER NOT NULL,
	PRIMARY KEY (server, name)
) WITHOUT ROWID;

-- version 5
-- Which accounts log in from an address, and on what: what tells an office from an attacker. account, listener: fingerprints; first, day: the
-- first day, and the last one give or take a week, since the epoch. key: as in addr. At most LOGIN_ROWS (store/history_logins.c) of an address.
CREATE TABLE login (
	server   INTEGER NOT NULL,
	key      BLOB NOT NULL,
	account  INTEGER NOT NULL,
	listener INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	day      INTEGER NOT NULL,
	PRIMARY KEY (server, key, account, listener)
) WITHOUT ROWID;
-- Addresses from which several accounts log in: the few among which a gateway may be found.
CREATE TABLE shared (
	server INTEGER NOT NULL,
	key    BLOB NOT NULL,
	PRIMARY KEY (server, key)
) WITHOUT ROWID;

-- version 6
-- Edits of a change of many, packed (store/rowpack.c). id, first: of its first edit, its id and its place in the change. targets: a Bloom
-- filter.
CREATE TABLE pack (
	id      INTEGER PRIMARY KEY,
	change  INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	targets BLOB NOT NULL,
	asked   BLOB NOT NULL
);
CREATE UNIQUE INDEX pack_change ON pack (change, first);
-- What became of them, from when something is known: by itself, so that telling it does not write again what was asked. undoable: how many
-- can be taken back. undone: NULL = none was taken back.
CREATE TABLE pack_outcome (
	id       INTEGER PRIMARY KEY,
	undoable INTEGER NOT NULL,
	became   BLOB NOT NULL,
	undone   BLOB
);
