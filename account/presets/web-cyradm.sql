-- preset web-cyradm
-- title  web-cyradm (accountuser): users by name
-- versions 0.5
-- scheme CRYPT
-- make SHA512-CRYPT
-- option before-0.5.5  tables without the four switches for services
-- option wide-password  accountuser.password has been made 255 characters wide

-- What to know:
--
-- Stored passwords are bare: DES crypt by default, of which the salt is the beginning of the
-- password itself. Where $CRYPT is "plain" set default_scheme = "PLAIN", for "md5" (hex)
-- "PLAIN-MD5", for "mysql" "MYSQL-41".
--
-- The password column has 50 characters, too few for what is made, and MySQL without strict mode
-- would cut it without a word. Set_password is therefore there with wide-password only, after
--   ALTER TABLE accountuser MODIFY password VARCHAR(255) BINARY NOT NULL
-- and web-cyradm then has to be set to "crypt", which verifies it.
--
-- A login is a prefix and a number (test0001), user.domain, or an address, by configuration. Names
-- without a domain want listeners without default_domain. The Cyrus administrator is an ordinary
-- row. On MySQL the names have case: with identity { case = "lower" } only those in lower case
-- sign in.
--
-- The four switches are all that stops an account; PostgreSQL's tables start them at 0. disable sets
-- them all to 0, enable all to 1. Services other than smtp, imap, pop3 and sieve are refused.
--
-- touch adds a line to the table log, which pam_mysql filled (sqllog): one for each account, service
-- and address in last_login_every. Nobody takes old lines away.
--
-- Rights: SELECT on accountuser; UPDATE of imap, pop, sieve, smtpauth, password there for changes;
-- INSERT on log for touch, and USAGE on log_id_seq on PostgreSQL.

-- query lookup [mysql pgsql]
SELECT a.username AS login,
       a.password AS password,
       1 AS enabled,
-- if before-0.5.5
       1 AS service_ok
-- endif
-- if not before-0.5.5
       CASE WHEN CASE %s WHEN 'imap'  THEN a.imap
                         WHEN 'pop3'  THEN a.pop
                         WHEN 'sieve' THEN a.sieve
                         WHEN 'smtp'  THEN a.smtpauth
                         ELSE 0 END = 1 THEN 1 ELSE 0 END AS service_ok
-- endif
  FROM accountuser a
 WHERE a.username = %u

-- query list [mysql pgsql]
SELECT a.username AS login,
-- if before-0.5.5
       1 AS enabled
-- endif
-- if not before-0.5.5
       CASE WHEN a.imap = 1 OR a.pop = 1 OR a.sieve = 1 OR a.smtpauth = 1 THEN 1 ELSE 0 END AS enabled
-- endif
  FROM accountuser a
 ORDER BY a.username

-- query set_password [mysql pgsql] if wide-password
UPDATE accountuser SET password = %p WHERE username = %u

-- query rehash [mysql] if wide-password
UPDATE accountuser SET password = %p
 WHERE username = %u
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql] if wide-password
UPDATE accountuser SET password = %p
 WHERE username = %u
   AND CAST(password AS text) COLLATE "C" = %o

-- query enable [mysql pgsql] if not before-0.5.5
UPDATE accountuser SET imap = 1, pop = 1, sieve = 1, smtpauth = 1 WHERE username = %u

-- query disable [mysql pgsql] if not before-0.5.5
UPDATE accountuser SET imap = 0, pop = 0, sieve = 0, smtpauth = 0 WHERE username = %u

-- query touch [mysql]
INSERT INTO log (msg, user, host, time) VALUES (CONCAT('sign-in: ', %s), %u, %i, CURRENT_TIMESTAMP)

-- query touch [pgsql]
INSERT INTO log (msg, "user", host, time) VALUES ('sign-in: ' || %s, %u, %i, CURRENT_TIMESTAMP)
