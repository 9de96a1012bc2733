-- preset vimbadmin
-- title  ViMbAdmin 3 (mailbox, domain): mailboxes by address
-- versions 3.4
-- scheme CRYPT
-- make {BLF-CRYPT}

-- What to know:
--
-- Stored passwords have a {SCHEME} prefix with the setting dovecot:SCHEME, which is the default. Bare forms:
-- crypt:... as it is; "md5" and "sha1" (hex) want default_scheme = "PLAIN-MD5" or "SHA"; "plain"
-- wants "PLAIN". md5-salted and sha1-salted, with one salt for all in the configuration, cannot be verified.
--
-- access_restriction is ALL or a list of SMTP, IMAP, POP3, SIEVE. A mailbox that waits to be deleted
-- is disabled. The shipped dump has no unique key on username: two rows are refused.
--
-- Rights: SELECT on mailbox and domain; UPDATE of password, active, modified on mailbox for changes.

-- query lookup [mysql]
SELECT m.username AS login,
       m.password AS password,
       CASE WHEN m.active = 1 AND d.active = 1 AND COALESCE(m.delete_pending, 0) = 0
            THEN 1 ELSE 0 END AS enabled,
       CASE WHEN m.access_restriction = 'ALL'
              OR FIND_IN_SET(upper(%s), upper(m.access_restriction)) > 0
            THEN 1 ELSE 0 END AS service_ok
  FROM mailbox m
  JOIN domain d ON d.id = m.Domain_id
 WHERE m.username = lower(%u)

-- query list [mysql]
SELECT m.username AS login,
       CASE WHEN m.active = 1 AND d.active = 1 AND COALESCE(m.delete_pending, 0) = 0
            THEN 1 ELSE 0 END AS enabled
  FROM mailbox m
  JOIN domain d ON d.id = m.Domain_id
 ORDER BY m.username

-- query set_password [mysql]
UPDATE mailbox SET password = %p, modified = NOW() WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query enable [mysql]
UPDATE mailbox SET active = 1, modified = NOW() WHERE username = lower(%u)

-- query disable [mysql]
UPDATE mailbox SET active = 0, modified = NOW() WHERE username = lower(%u)

-- query changes [mysql]
SELECT username AS login FROM mailbox
 WHERE COALESCE(modified, created) >= FROM_UNIXTIME(%t) ORDER BY username
