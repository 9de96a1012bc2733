-- preset ispconfig
-- title  ISPConfig 3 (mail_user, mail_domain): mailboxes by login or address
-- versions 3.1 to 3.2
-- scheme CRYPT
-- make SHA512-CRYPT
-- encoding latin1
-- option server-id=1  this mail server's id in ISPConfig's table server
-- option skip-domain  a domain that is not active does not keep its mailboxes out, as in 3.1's own query

-- What to know:
--
-- ISPConfig converts a password to ISO-8859-1 before it hashes it. A password with an umlaut that
-- arrives in UTF-8 is therefore tried in both forms, and a new one is stored in ISPConfig's.
-- Stored passwords are bare crypt(3), $6$rounds=5000$ by default.
--
-- Who signs in with the address of a mailbox that has a login of its own is the account of that login.
-- Neither is unique in the table, and one user's login may be another's address: two rows are
-- refused.
--
-- Nothing disables an account: the panel switches its services off. A domain that is not active
-- keeps its mailboxes out; the domain is the stored address's, so that a login of another form does
-- not slip past it. Services other than smtp, imap, pop3 and sieve are refused.
--
-- disable switches the four services off, enable switches them all on. What is changed here is
-- not in sys_datalog, so ISPConfig does not copy it to other servers.
--
-- Rights: SELECT on mail_user and mail_domain; UPDATE of password, disablesmtp, disableimap,
-- disablepop3, disablesieve on mail_user for changes, of last_access for touch (3.2.12 and later).

-- query lookup [mysql]
SELECT m.login AS login,
       CASE WHEN m.login = lower(%u) THEN m.login ELSE m.email END AS asked,
       m.password AS password,
-- if not skip-domain
       CASE WHEN EXISTS (SELECT 1 FROM mail_domain d
                          WHERE d.domain = SUBSTRING_INDEX(m.email, '@', -1)
                            AND d.server_id = m.server_id AND d.active = 'n')
            THEN 0 ELSE 1 END AS enabled,
-- endif
       CASE WHEN CASE %s WHEN 'imap'  THEN m.disableimap
                         WHEN 'pop3'  THEN m.disablepop3
                         WHEN 'smtp'  THEN m.disablesmtp
                         WHEN 'sieve' THEN m.disablesieve
                         ELSE 'y' END = 'n' THEN 1 ELSE 0 END AS service_ok
  FROM mail_user m
 WHERE (m.login = lower(%u) OR m.email = lower(%u))
   AND m.server_id = %{server-id}

-- query list [mysql]
SELECT m.login AS login,
       CASE WHEN 'n' IN (m.disablesmtp, m.disableimap, m.disablepop3, m.disablesieve)
            THEN 1 ELSE 0 END AS enabled
  FROM mail_user m
 WHERE m.server_id = %{server-id}
 ORDER BY m.login

-- query set_password [mysql]
UPDATE mail_user SET password = %p
 WHERE (login = lower(%u) OR email = lower(%u)) AND server_id = %{server-id}

-- query rehash [mysql]
UPDATE mail_user SET password = %p
 WHERE (login = lower(%u) OR email = lower(%u)) AND server_id = %{server-id}
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query enable [mysql]
UPDATE mail_user SET disablesmtp = 'n', disableimap = 'n', disablepop3 = 'n', disablesieve = 'n'
 WHERE (login = lower(%u) OR email = lower(%u)) AND server_id = %{server-id}

-- query disable [mysql]
UPDATE mail_user SET disablesmtp = 'y', disableimap = 'y', disablepop3 = 'y', disablesieve = 'y'
 WHERE (login = lower(%u) OR email = lower(%u)) AND server_id = %{server-id}

-- query touch [mysql]
UPDATE mail_user SET last_access = UNIX_TIMESTAMP()
 WHERE (login = lower(%u) OR email = lower(%u)) AND server_id = %{server-id}
