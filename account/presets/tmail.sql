-- preset tmail
-- title  tmail (users): users by address or name
-- versions git head
-- scheme CRYPT
-- option dove-passwd  sign-in reads dove_passwd, Dovecot's hash, and set_password writes it alone
-- make SHA512-CRYPT if dove-passwd
-- make BLF-CRYPT

-- What to know:
--
-- Each user has two hashes of one password. `passwd` is bare bcrypt ($2a$10$...) for tmail's
-- own SMTP login. `dove_passwd` is bare SHA-512 crypt ($6$...) for Dovecot; tmail rewrites
-- it on a change only if the user has a mailbox, so it can be stale. Sign-in reads `passwd`.
--
-- set_password writes one new bcrypt hash, without a {SCHEME} prefix, to both columns. Writing
-- dove_passwd alone would leave the old password good for tmail's SMTP login, and here; writing SHA-512
-- crypt to passwd would break that login, which verifies bcrypt and nothing else. Dovecot with
-- default_pass_scheme = SHA512-CRYPT verifies any form that the system's crypt(3) knows, bcrypt
-- among them on every current Linux.
--
-- Where it does not, choose dove-passwd: then dove_passwd is what sign-in reads and what
-- set_password writes, as SHA-512 crypt, and tmail's SMTP login keeps its own, older password
-- until the user changes it in tmail.
--
-- active = 'Y' is the account's gate, which Dovecot obeys and tmail's own SMTP login ignores:
-- a user who is disabled can still sign in to tmail itself. auth_relay decides who may send
-- (smtp), have_mailbox who may read (imap, pop3, sieve); any other service is refused.
--
-- A login is in lower case. It is a full address when the user has a mailbox, and else any
-- name of 4 to 256 characters: give a listener for such users no default_domain. Domains
-- cannot be disabled; `aliases` and `rcpt_hosts` are for delivery only.
--
-- Rights: SELECT on users; UPDATE of passwd, dove_passwd and active for changes. Users are
-- added and deleted with tmail itself, which makes their mailboxes too.

-- query lookup [mysql pgsql sqlite]
SELECT u.login AS login,
-- if dove-passwd
       u.dove_passwd AS password,
-- endif
-- if not dove-passwd
       u.passwd AS password,
-- endif
       CASE WHEN u.active = 'Y' THEN 1 ELSE 0 END AS enabled,
       CASE WHEN %s = 'smtp' THEN CASE WHEN u.auth_relay THEN 1 ELSE 0 END
            WHEN %s IN ('imap', 'pop3', 'sieve') THEN CASE WHEN u.have_mailbox THEN 1 ELSE 0 END
            ELSE 0 END AS service_ok
  FROM users u
 WHERE u.login = lower(%u)

-- query list [mysql pgsql sqlite]
SELECT u.login AS login, CASE WHEN u.active = 'Y' THEN 1 ELSE 0 END AS enabled
  FROM users u
 ORDER BY u.login

-- query set_password [mysql pgsql sqlite] if not dove-passwd
UPDATE users SET passwd = %p, dove_passwd = %p WHERE login = lower(%u)

-- query set_password [mysql pgsql sqlite] if dove-passwd
UPDATE users SET dove_passwd = %p WHERE login = lower(%u)

-- query rehash [mysql] if not dove-passwd
UPDATE users SET passwd = %p
 WHERE login = lower(%u)
   AND CAST(CONVERT(passwd USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql] if not dove-passwd
UPDATE users SET passwd = %p
 WHERE login = lower(%u)
   AND CAST(passwd AS text) COLLATE "C" = %o

-- query rehash [sqlite] if not dove-passwd
UPDATE users SET passwd = %p
 WHERE login = lower(%u)
   AND CAST(passwd AS BLOB) = CAST(%o AS BLOB)

-- query rehash [mysql] if dove-passwd
UPDATE users SET dove_passwd = %p
 WHERE login = lower(%u)
   AND CAST(CONVERT(dove_passwd USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql] if dove-passwd
UPDATE users SET dove_passwd = %p
 WHERE login = lower(%u)
   AND CAST(dove_passwd AS text) COLLATE "C" = %o

-- query rehash [sqlite] if dove-passwd
UPDATE users SET dove_passwd = %p
 WHERE login = lower(%u)
   AND CAST(dove_passwd AS BLOB) = CAST(%o AS BLOB)

-- query enable [mysql pgsql sqlite]
UPDATE users SET active = 'Y' WHERE login = lower(%u)

-- query disable [mysql pgsql sqlite]
UPDATE users SET active = 'N' WHERE login = lower(%u)
