-- preset maddy
-- title  maddy, auth.pass_table (passwords): users by address
-- versions 0.9
-- option table=passwords  the table's name

-- What to know:
--
-- Stored passwords have maddy's own forms: bcrypt:$2a$..., argon2:time:memory:threads:salt:hash,
-- sha256:salt:hash. Nothing disables an account. Set passwords with `maddy creds`, whose
-- form is not made here.
--
-- Rights: SELECT on the table. An SQLite file is credentials.db in maddy's state directory.

-- query lookup [pgsql sqlite]
SELECT "key" AS login, value AS password, 1 AS enabled, 1 AS service_ok
  FROM %{table}
 WHERE "key" = lower(%u)

-- query lookup [mysql]
SELECT `key` AS login, value AS password, 1 AS enabled, 1 AS service_ok
  FROM %{table}
 WHERE `key` = lower(%u)

-- query list [pgsql sqlite]
SELECT "key" AS login, 1 AS enabled FROM %{table} ORDER BY "key"

-- query list [mysql]
SELECT `key` AS login, 1 AS enabled FROM %{table} ORDER BY `key`
