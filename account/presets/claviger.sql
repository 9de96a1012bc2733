-- preset claviger
-- title  claviger's own accounts, in an SQLite file kept with "clavigerctl user"
-- versions this one

-- One row is one account. `login` is the whole name as people sign in with it, in lower case,
-- usually an address. `password` is a stored password of any scheme; NULL: nobody signs in.
-- `services` and `allow_nets` are comma lists without blanks (imap,pop3 and
-- 192.0.2.0/24,2001:db8::/32); NULL: every service, every network. `expires_at` is in Unix
-- seconds; NULL or 0: never. home, uid, gid and quota are for the mail server. `last_login` is in Unix
-- seconds, and noted where the configuration asks for it.

-- query lookup [sqlite]
SELECT login, password, enabled,
       CASE WHEN services IS NULL THEN 1
            ELSE instr(',' || services || ',', ',' || %s || ',') > 0 END AS service_ok,
       allow_nets, expires_at, must_change, home, uid, gid, quota
  FROM accounts
 WHERE login = %u

-- query list [sqlite]
SELECT login, enabled FROM accounts ORDER BY login

-- query set_password [sqlite]
UPDATE accounts SET password = %p, must_change = 0, changed_at = %t WHERE login = %u

-- query rehash [sqlite]
UPDATE accounts SET password = %p
 WHERE login = %u
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)

-- query enable [sqlite]
UPDATE accounts SET enabled = 1, changed_at = %t WHERE login = %u

-- query disable [sqlite]
UPDATE accounts SET enabled = 0, changed_at = %t WHERE login = %u

-- query add [sqlite]
-- The primary key refuses an account that is there already.
INSERT INTO accounts (login, password, created_at, changed_at) VALUES (%u, %p, %t, %t)

-- query delete [sqlite]
DELETE FROM accounts WHERE login = %u

-- query touch [sqlite]
UPDATE accounts SET last_login = %t WHERE login = %u

-- query schema [sqlite]
CREATE TABLE IF NOT EXISTS accounts (
    login       TEXT NOT NULL PRIMARY KEY CHECK (login <> ''),
    password    TEXT,
    enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    services    TEXT,
    allow_nets  TEXT,
    expires_at  INTEGER,
    must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
    home        TEXT,
    uid         INTEGER,
    gid         INTEGER,
    quota       INTEGER,
    last_login  INTEGER,
    created_at  INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)),
    changed_at  INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER))
);
-- The version of these tables, for whoever changes them later.
PRAGMA user_version = 1;

-- query changes [sqlite]
SELECT login FROM accounts WHERE changed_at >= %t ORDER BY login
