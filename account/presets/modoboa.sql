-- preset modoboa
-- title  Modoboa (core_user, admin_mailbox): mailboxes by address
-- versions 0.9 to 2.9
-- make {SHA512-CRYPT}
-- option before-2.2  tables of 1.1 to 2.1: no mailbox is send-only
-- option before-1.1  tables of 1.0: the accounts are in admin_user
-- option before-1.0  tables of 0.9: the accounts are in auth_user
-- option alias-domains  who signs in with an alias domain is the account of the domain behind it
-- option skip-domain  a disabled domain does not keep its accounts out

-- What to know:
--
-- The accounts' table has moved twice: auth_user (0.9), admin_user (1.0, 2013), core_user (1.1 and
-- later). Choose one option at most of the three ages; without any these are the tables of 2.2
-- and later. "unknown table" or "column ... does not exist" from check-config --online says
-- that another one is right.
--
-- Stored passwords have a {SCHEME} prefix, but for md5-crypt of 0.9 and 1.0, which is bare ($1$).
-- is_local false: the password lives in LDAP, and the account is disabled here.
--
-- An account needs a mailbox: an administrator without one cannot sign in. Send-only mailboxes
-- (2.2 and later) may use smtp only; sieve is refused to them too, as there is nothing to filter.
-- A mail address is not unique in core_user: two rows are refused.
--
-- set_password is not here for 1.0 and 0.9, which do not verify what is made.
--
-- Rights: SELECT on core_user (or its forerunner), admin_mailbox, admin_domain, with
-- alias-domains admin_domainalias; UPDATE of password, is_active on core_user for changes, of
-- last_login for touch.

-- query lookup [mysql pgsql sqlite]
SELECT u.email AS login,
-- if alias-domains
       CASE WHEN u.email = lower(%u) THEN u.email
            ELSE REPLACE(REPLACE('<l>@<d>', '<d>', a.name), '<l>', m.address) END AS asked,
-- endif
       u.password AS password,
       CASE WHEN u.is_active
-- if not skip-domain
             AND d.enabled
-- endif
-- if not before-1.1 not before-1.0
             AND u.is_local
-- endif
            THEN 1 ELSE 0 END AS enabled,
-- if not before-2.2 not before-1.1 not before-1.0
       CASE WHEN m.is_send_only AND %s IN ('imap', 'pop3', 'sieve') THEN 0 ELSE 1 END AS service_ok
-- endif
-- if before-2.2
       1 AS service_ok
-- endif
-- if before-1.1
       1 AS service_ok
-- endif
-- if before-1.0
       1 AS service_ok
-- endif
-- if not before-1.1 not before-1.0
  FROM core_user u
-- endif
-- if before-1.1
  FROM admin_user u
-- endif
-- if before-1.0
  FROM auth_user u
-- endif
  JOIN admin_mailbox m ON m.user_id = u.id
  JOIN admin_domain d  ON d.id = m.domain_id
-- if alias-domains
  LEFT JOIN admin_domainalias a
         ON a.target_id = d.id AND a.name = lower(%d) AND a.enabled AND d.enabled
-- endif
 WHERE u.email = lower(%u)
-- if alias-domains
    OR (a.name IS NOT NULL AND m.address = lower(%n))
-- endif

-- query list [mysql pgsql sqlite]
SELECT u.email AS login, CASE WHEN u.is_active
-- if not skip-domain
                               AND d.enabled
-- endif
                              THEN 1 ELSE 0 END AS enabled
-- if not before-1.1 not before-1.0
  FROM core_user u
-- endif
-- if before-1.1
  FROM admin_user u
-- endif
-- if before-1.0
  FROM auth_user u
-- endif
  JOIN admin_mailbox m ON m.user_id = u.id
  JOIN admin_domain d  ON d.id = m.domain_id
 ORDER BY u.email

-- query set_password [mysql pgsql sqlite] if not before-1.1 not before-1.0
UPDATE core_user SET password = %p WHERE email = lower(%u)

-- query rehash [mysql] if not before-1.1 not before-1.0
UPDATE core_user SET password = %p
 WHERE email = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql] if not before-1.1 not before-1.0
UPDATE core_user SET password = %p
 WHERE email = lower(%u)
   AND CAST(password AS text) COLLATE "C" = %o

-- query rehash [sqlite] if not before-1.1 not before-1.0
UPDATE core_user SET password = %p
 WHERE email = lower(%u)
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)

-- query enable [mysql pgsql sqlite] if not before-1.1 not before-1.0
UPDATE core_user SET is_active = TRUE WHERE email = lower(%u)

-- query disable [mysql pgsql sqlite] if not before-1.1 not before-1.0
UPDATE core_user SET is_active = FALSE WHERE email = lower(%u)

-- query touch [mysql] if not before-1.1 not before-1.0
UPDATE core_user SET last_login = UTC_TIMESTAMP(6) WHERE email = lower(%u)

-- query touch [pgsql sqlite] if not before-1.1 not before-1.0
UPDATE core_user SET last_login = CURRENT_TIMESTAMP WHERE email = lower(%u)

-- The moment is that of the mailbox's row: a change of the password alone need not be one.

-- query changes [mysql] if not before-1.1 not before-1.0
SELECT u.email AS login FROM core_user u JOIN admin_mailbox m ON m.user_id = u.id
 WHERE m.last_modification >= FROM_UNIXTIME(%t) ORDER BY u.email

-- query changes [pgsql] if not before-1.1 not before-1.0
SELECT u.email AS login FROM core_user u JOIN admin_mailbox m ON m.user_id = u.id
 WHERE m.last_modification >= to_timestamp(%t) ORDER BY u.email

-- query changes [sqlite] if not before-1.1 not before-1.0
SELECT u.email AS login FROM core_user u JOIN admin_mailbox m ON m.user_id = u.id
 WHERE m.last_modification >= datetime(%t, 'unixepoch') ORDER BY u.email
