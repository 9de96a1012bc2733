-- preset django-cyradm
-- title  django-cyradm (djcyradm_mailusers): users by full address
-- versions 0.1
-- scheme CRYPT
-- make SHA512-CRYPT

-- What to know:
--
-- Stored passwords are bare SHA-512 crypt strings ($6$salt$hash), without a {SCHEME} prefix:
-- django-cyradm replaces Django's own hashers. NULL means that there is no password. New ones
-- have the same form, which its web interface verifies.
--
-- is_active is the only gate. Domains cannot be disabled and there are no switches for
-- services. The roles (is_staff, is_superuser, is_main_cyrus_admin) and email_confirmed are
-- about the web interface alone; `email` is a recovery address and never a login.
--
-- The Cyrus administrator is a bare name such as "cyrus": give the listener or service that
-- it uses no default_domain, or the name becomes cyrus@DOMAIN and is unknown.
--
-- An alias domain has no accounts. Names are compared as they are stored: on MySQL the
-- collation may find another spelling of a name, which is then refused as another account.
--
-- Rights: SELECT on djcyradm_mailusers; UPDATE of password and is_active for changes, of
-- last_login for touch, which Django keeps in UTC.
-- Accounts are added and deleted in its web interface, which makes the Cyrus mailboxes too.

-- query lookup [mysql pgsql sqlite]
SELECT u.username AS login,
       u.password AS password,
       CASE WHEN u.is_active AND u.password IS NOT NULL THEN 1 ELSE 0 END AS enabled,
       1 AS service_ok
  FROM djcyradm_mailusers u
 WHERE u.username = %u

-- query list [mysql pgsql sqlite]
SELECT u.username AS login,
       CASE WHEN u.is_active AND u.password IS NOT NULL THEN 1 ELSE 0 END AS enabled
  FROM djcyradm_mailusers u
 ORDER BY u.username

-- query set_password [mysql pgsql sqlite]
UPDATE djcyradm_mailusers SET password = %p WHERE username = %u

-- query rehash [mysql]
UPDATE djcyradm_mailusers SET password = %p
 WHERE username = %u
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE djcyradm_mailusers SET password = %p
 WHERE username = %u
   AND CAST(password AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE djcyradm_mailusers SET password = %p
 WHERE username = %u
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)

-- is_active is boolean on PostgreSQL and a small integer elsewhere: TRUE is both.

-- query enable [mysql pgsql sqlite]
UPDATE djcyradm_mailusers SET is_active = TRUE WHERE username = %u

-- query disable [mysql pgsql sqlite]
UPDATE djcyradm_mailusers SET is_active = FALSE WHERE username = %u

-- query touch [mysql]
UPDATE djcyradm_mailusers SET last_login = UTC_TIMESTAMP(6) WHERE username = %u

-- query touch [pgsql sqlite]
UPDATE djcyradm_mailusers SET last_login = CURRENT_TIMESTAMP WHERE username = %u
