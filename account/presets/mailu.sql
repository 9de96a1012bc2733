-- preset mailu
-- title  Mailu (user, token): mailboxes by address
-- versions 1.8 to 2024.06
-- make SHA512-CRYPT
-- option require-tokens  only tokens sign in, the main password is for the web (AUTH_REQUIRE_TOKENS)

-- What to know:
--
-- Stored passwords are passlib's, $bcrypt-sha256$ by default and from 1.8 perhaps with a prefix.
-- Mailu verifies whatever passlib knows, and makes its own form of it when the user signs in to it:
-- new ones are bare SHA-512 crypt.
--
-- A token (authentication token) is tried after the main password; its `ip` is a list of networks
-- that it is good for. smtp and sieve have no switch; services other than these, imap and pop3
-- are refused. change_pw_next_login is about the web interface.
--
-- Rights: SELECT on user and token; UPDATE of password, enabled, updated_at on user for changes.
-- The default is an SQLite file in a container's volume, /data/main.db.

-- query lookup [pgsql sqlite]
SELECT u.email AS login,
       u.password AS password,
       CASE WHEN u.enabled THEN 1 ELSE 0 END AS enabled,
-- if require-tokens
       0 AS service_ok
-- endif
-- if not require-tokens
       CASE WHEN CASE %s WHEN 'imap' THEN u.enable_imap WHEN 'pop3' THEN u.enable_pop
                         WHEN 'smtp' THEN true WHEN 'sieve' THEN true ELSE false END
            THEN 1 ELSE 0 END AS service_ok
-- endif
  FROM "user" u
 WHERE u.email = lower(%u)

-- query lookup [mysql]
SELECT u.email AS login,
       u.password AS password,
       CASE WHEN u.enabled THEN 1 ELSE 0 END AS enabled,
-- if require-tokens
       0 AS service_ok
-- endif
-- if not require-tokens
       CASE WHEN CASE %s WHEN 'imap' THEN u.enable_imap WHEN 'pop3' THEN u.enable_pop
                         WHEN 'smtp' THEN true WHEN 'sieve' THEN true ELSE false END
            THEN 1 ELSE 0 END AS service_ok
-- endif
  FROM `user` u
 WHERE u.email = lower(%u)

-- query secrets [pgsql sqlite]
SELECT u.email AS login,
       t.password AS password,
       t.comment AS name,
       t.ip AS allow_nets,
       CASE WHEN CASE %s WHEN 'imap' THEN u.enable_imap WHEN 'pop3' THEN u.enable_pop
                         WHEN 'smtp' THEN true WHEN 'sieve' THEN true ELSE false END
            THEN 1 ELSE 0 END AS service_ok
  FROM "user" u
  JOIN token t ON t.user_email = u.email
 WHERE u.email = lower(%u)
 ORDER BY t.id

-- query secrets [mysql]
SELECT u.email AS login,
       t.password AS password,
       t.comment AS name,
       t.ip AS allow_nets,
       CASE WHEN CASE %s WHEN 'imap' THEN u.enable_imap WHEN 'pop3' THEN u.enable_pop
                         WHEN 'smtp' THEN true WHEN 'sieve' THEN true ELSE false END
            THEN 1 ELSE 0 END AS service_ok
  FROM `user` u
  JOIN token t ON t.user_email = u.email
 WHERE u.email = lower(%u)
 ORDER BY t.id

-- query list [pgsql sqlite]
SELECT u.email AS login, CASE WHEN u.enabled THEN 1 ELSE 0 END AS enabled
  FROM "user" u
 ORDER BY u.email

-- query list [mysql]
SELECT u.email AS login, CASE WHEN u.enabled THEN 1 ELSE 0 END AS enabled
  FROM `user` u
 ORDER BY u.email

-- query set_password [pgsql sqlite]
UPDATE "user" SET password = %p, updated_at = CURRENT_DATE WHERE email = lower(%u)

-- query set_password [mysql]
UPDATE `user` SET password = %p, updated_at = CURRENT_DATE WHERE email = lower(%u)

-- query rehash [pgsql]
UPDATE "user" SET password = %p
 WHERE email = lower(%u)
   AND CAST(password AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE "user" SET password = %p
 WHERE email = lower(%u)
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)

-- query rehash [mysql]
UPDATE `user` SET password = %p
 WHERE email = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query enable [pgsql sqlite]
UPDATE "user" SET enabled = TRUE, updated_at = CURRENT_DATE WHERE email = lower(%u)

-- query enable [mysql]
UPDATE `user` SET enabled = TRUE, updated_at = CURRENT_DATE WHERE email = lower(%u)

-- query disable [pgsql sqlite]
UPDATE "user" SET enabled = FALSE, updated_at = CURRENT_DATE WHERE email = lower(%u)

-- query disable [mysql]
UPDATE `user` SET enabled = FALSE, updated_at = CURRENT_DATE WHERE email = lower(%u)
