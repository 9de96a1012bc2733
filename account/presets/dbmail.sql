-- preset dbmail
-- title  DBMail (dbmail_users): users by name
-- versions 3.5, database version 32004 and later
-- make SHA512-CRYPT
-- option prefix=dbmail_  the tables' prefix
-- option before-32004  tables without the column active

-- What to know:
--
-- encryption_type says how `passwd` is stored, and is empty for clear text. whirlpool and tiger
-- are verified by nobody here: such an account is told as bad-stored-password.
--
-- `spasswd` is the duress password, which signs in and triggers an action: it is never taken here.
-- The user __public__ never signs in.
--
-- Names are compared without regard to case while only their exact form is unique: two rows are
-- refused. The account is the name as it is stored, whatever case it has.
--
-- Rights: SELECT on dbmail_users; UPDATE of passwd, encryption_type, active there for changes,
-- of last_login for touch. passwd has 130 characters on PostgreSQL; what is made has 120.

-- query lookup [mysql pgsql sqlite]
SELECT u.userid AS login,
       CASE WHEN REPLACE(u.userid, %u, '') = '' THEN u.userid ELSE lower(u.userid) END AS asked,
       u.passwd AS password,
       CASE u.encryption_type WHEN '' THEN 'PLAIN'
                              WHEN 'md5sum' THEN 'PLAIN-MD5'
                              WHEN 'md5base64' THEN 'PLAIN-MD5'
                              ELSE COALESCE(u.encryption_type, 'PLAIN') END AS scheme,
       CASE WHEN u.passwd <> '' AND u.userid <> '__public__'
-- if not before-32004
             AND u.active = 1
-- endif
            THEN 1 ELSE 0 END AS enabled,
       1 AS service_ok
  FROM %{prefix}users u
 WHERE lower(u.userid) = lower(%u)

-- query list [mysql pgsql sqlite]
SELECT u.userid AS login,
-- if not before-32004
       CASE WHEN u.active = 1 AND u.passwd <> '' THEN 1 ELSE 0 END AS enabled
-- endif
-- if before-32004
       CASE WHEN u.passwd <> '' THEN 1 ELSE 0 END AS enabled
-- endif
  FROM %{prefix}users u
 WHERE u.userid <> '__public__'
 ORDER BY u.userid

-- query set_password [mysql pgsql sqlite]
UPDATE %{prefix}users SET passwd = %p, encryption_type = 'crypt' WHERE lower(userid) = lower(%u)

-- query rehash [mysql]
UPDATE %{prefix}users SET passwd = %p, encryption_type = 'crypt'
 WHERE lower(userid) = lower(%u)
   AND CAST(CONVERT(passwd USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE %{prefix}users SET passwd = %p, encryption_type = 'crypt'
 WHERE lower(userid) = lower(%u)
   AND CAST(passwd AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE %{prefix}users SET passwd = %p, encryption_type = 'crypt'
 WHERE lower(userid) = lower(%u)
   AND CAST(passwd AS BLOB) = CAST(%o AS BLOB)

-- query enable [mysql pgsql sqlite] if not before-32004
UPDATE %{prefix}users SET active = 1 WHERE lower(userid) = lower(%u)

-- query disable [mysql pgsql sqlite] if not before-32004
UPDATE %{prefix}users SET active = 0 WHERE lower(userid) = lower(%u)

-- query touch [mysql pgsql sqlite]
UPDATE %{prefix}users SET last_login = CURRENT_TIMESTAMP WHERE lower(userid) = lower(%u)
