-- preset courier
-- title  Courier authlib, the sample table (passwd): users by id
-- versions 0.71
-- scheme CRYPT
-- make SHA512-CRYPT

-- What to know:
--
-- These are the names of Courier's own examples. Every one of them can be another in authmysqlrc,
-- authpgsqlrc or authsqliterc (MYSQL_LOGIN_FIELD, MYSQL_WHERE_CLAUSE ...): then write your own
-- queries, with these to start from. DEFAULT_DOMAIN there is default_domain in a listen section.
--
-- `crypt` holds crypt(3) without a prefix, or {MD5}, {SHA}, {SSHA} and so on; where it is empty,
-- `clear` holds the clear text. options may have disableimap=1 and disablepop3=1; the sample table
-- for PostgreSQL has no such column. Nothing disables an account.
--
-- On MySQL the id is only indexed: two rows are refused.
--
-- Rights: SELECT on passwd; UPDATE of crypt and clear there for changes. What is made has 120
-- characters: look how wide the column is.

-- query lookup [mysql]
SELECT p.id AS login,
       CASE WHEN p.crypt <> '' THEN p.crypt
            WHEN p.clear <> '' THEN CONCAT('{PLAIN}', p.clear) END AS password,
       1 AS enabled,
       CASE %s WHEN 'imap' THEN FIND_IN_SET('disableimap=1', p.options) = 0
               WHEN 'pop3' THEN FIND_IN_SET('disablepop3=1', p.options) = 0
               ELSE 1 END AS service_ok
  FROM passwd p
 WHERE p.id = %u

-- query lookup [sqlite]
SELECT p.id AS login,
       CASE WHEN COALESCE(p.crypt, '') <> '' THEN p.crypt
            WHEN COALESCE(p.clear, '') <> '' THEN '{PLAIN}' || p.clear END AS password,
       1 AS enabled,
       CASE %s WHEN 'imap' THEN instr(',' || COALESCE(p.options, '') || ',', ',disableimap=1,') = 0
               WHEN 'pop3' THEN instr(',' || COALESCE(p.options, '') || ',', ',disablepop3=1,') = 0
               ELSE 1 END AS service_ok
  FROM passwd p
 WHERE p.id = %u

-- query lookup [pgsql]
SELECT p.id AS login,
       CASE WHEN p.crypt <> '' THEN p.crypt
            WHEN p.clear <> '' THEN '{PLAIN}' || p.clear END AS password,
       1 AS enabled, 1 AS service_ok
  FROM passwd p
 WHERE p.id = %u

-- query list [mysql pgsql sqlite]
SELECT p.id AS login, 1 AS enabled FROM passwd p ORDER BY p.id

-- query set_password [mysql pgsql sqlite]
UPDATE passwd SET crypt = %p, clear = '' WHERE id = %u

-- query rehash [mysql]
UPDATE passwd SET crypt = %p, clear = ''
 WHERE id = %u
   AND CAST(CONVERT(CASE WHEN crypt <> '' THEN crypt ELSE CONCAT('{PLAIN}', clear) END USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE passwd SET crypt = %p, clear = ''
 WHERE id = %u
   AND CAST(CASE WHEN crypt <> '' THEN crypt ELSE '{PLAIN}' || clear END AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE passwd SET crypt = %p, clear = ''
 WHERE id = %u
   AND CAST(CASE WHEN COALESCE(crypt, '') <> '' THEN crypt ELSE '{PLAIN}' || clear END AS BLOB) = CAST(%o AS BLOB)
