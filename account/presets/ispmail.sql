-- preset ispmail
-- title  the ISPmail guide of workaround.org (virtual_users): mailboxes by address
-- versions Debian 8 to 12
-- make {BLF-CRYPT}

-- What to know:
--
-- Stored passwords have a {SCHEME} prefix: {BLF-CRYPT} in the guide for Debian 12, {SHA256-CRYPT}
-- in older ones. Guides before Debian 8 kept unsalted MD5 in hex: set default_scheme =
-- "PLAIN-MD5" for those.
--
-- There are no switches: an account that must not sign in is deleted, so there is no enable or disable.
--
-- Rights: SELECT on virtual_users; UPDATE of password there for changes. The column has 150
-- characters, in some older guides 106; what is made has 71.

-- query lookup [mysql]
SELECT u.email AS login, u.password AS password, 1 AS enabled, 1 AS service_ok
  FROM virtual_users u
 WHERE u.email = lower(%u)

-- query list [mysql]
SELECT u.email AS login, 1 AS enabled FROM virtual_users u ORDER BY u.email

-- query set_password [mysql]
UPDATE virtual_users SET password = %p WHERE email = lower(%u)

-- query rehash [mysql]
UPDATE virtual_users SET password = %p
 WHERE email = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)
