-- preset iredmail
-- title  iRedMail (mailbox, domain of the database vmail): mailboxes by address
-- versions 0.9.8 to 1.8
-- make {SSHA512}
-- option plain  the switches of connections without TLS decide (enableimap), not enableimapsecured
-- option enforce-expiry  `expired` of mailbox and domain count; iRedMail's own query does not look
-- option alias-domains  who signs in with an alias domain is the mailbox of the domain behind it
-- option skip-domain  a disabled domain does not keep its mailboxes out

-- What to know:
--
-- Stored passwords have a {SCHEME} prefix, {SSHA512} by default. New ones are {SSHA512} too, which
-- iRedAdmin verifies; where it is set to BCRYPT, say make_scheme = "{BLF-CRYPT}".
--
-- There is a switch for each service with TLS and one without. A mail server does not tell which
-- it was, so the one with TLS decides: do not offer sign-in without it, or choose `plain`.
-- Services other than smtp, imap, pop3 and sieve are refused.
--
-- allow_nets holds as in iRedMail; whoever's address the mail server does not tell is then outside. A
-- domain that is a backup MX has no accounts to sign in to.
--
-- Rights: SELECT on mailbox and domain, with alias-domains alias_domain; UPDATE of password,
-- passwordlastchange, modified, active on mailbox for changes; INSERT, UPDATE on last_login for touch.

-- query lookup [mysql pgsql]
SELECT m.username AS login,
-- if alias-domains
       CASE WHEN m.username = lower(%u) THEN m.username
            ELSE REPLACE(m.username, CONCAT('@', m.domain), CONCAT('@', a.alias_domain)) END AS asked,
-- endif
       m.password AS password,
       CASE WHEN m.active = 1 AND d.backupmx = 0
-- if not skip-domain
             AND d.active = 1
-- endif
-- if enforce-expiry
             AND m.expired > CURRENT_TIMESTAMP AND d.expired > CURRENT_TIMESTAMP
-- endif
            THEN 1 ELSE 0 END AS enabled,
-- if not plain
       CASE WHEN CASE %s WHEN 'smtp'  THEN m.enablesmtpsecured
                         WHEN 'imap'  THEN m.enableimapsecured
                         WHEN 'pop3'  THEN m.enablepop3secured
                         WHEN 'sieve' THEN m.enablesievesecured
-- endif
-- if plain
       CASE WHEN CASE %s WHEN 'smtp'  THEN m.enablesmtp
                         WHEN 'imap'  THEN m.enableimap
                         WHEN 'pop3'  THEN m.enablepop3
                         WHEN 'sieve' THEN m.enablesieve
-- endif
                         ELSE 0 END = 1 THEN 1 ELSE 0 END AS service_ok,
       m.allow_nets AS allow_nets
  FROM mailbox m
  JOIN domain d ON d.domain = m.domain
-- if alias-domains
  LEFT JOIN alias_domain a
         ON a.alias_domain = lower(%d) AND a.target_domain = m.domain AND a.active = 1
-- endif
 WHERE m.username = lower(%u)
-- if alias-domains
    OR (a.alias_domain IS NOT NULL AND m.username = CONCAT(lower(%n), '@', m.domain))
-- endif

-- query list [mysql pgsql]
SELECT m.username AS login,
       CASE WHEN m.active = 1
-- if not skip-domain
             AND d.active = 1
-- endif
            THEN 1 ELSE 0 END AS enabled
  FROM mailbox m
  JOIN domain d ON d.domain = m.domain
 ORDER BY m.username

-- query set_password [mysql pgsql]
UPDATE mailbox SET password = %p, passwordlastchange = CURRENT_TIMESTAMP, modified = CURRENT_TIMESTAMP
 WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(password AS text) COLLATE "C" = %o

-- query enable [mysql pgsql]
UPDATE mailbox SET active = 1, modified = CURRENT_TIMESTAMP WHERE username = lower(%u)

-- query disable [mysql pgsql]
UPDATE mailbox SET active = 0, modified = CURRENT_TIMESTAMP WHERE username = lower(%u)

-- There are columns for imap and pop3 and none for smtp: every sign-in is noted as imap.

-- query touch [mysql]
INSERT INTO last_login (username, domain, imap) VALUES (lower(%u), lower(%d), UNIX_TIMESTAMP())
ON DUPLICATE KEY UPDATE imap = UNIX_TIMESTAMP()

-- query touch [pgsql]
INSERT INTO last_login (username, domain, imap)
VALUES (lower(%u), lower(%d), CAST(EXTRACT(EPOCH FROM now()) AS bigint))
ON CONFLICT (username, domain) DO UPDATE SET imap = EXCLUDED.imap

-- query changes [mysql]
SELECT username AS login FROM mailbox
 WHERE modified >= FROM_UNIXTIME(%t) OR passwordlastchange >= FROM_UNIXTIME(%t) ORDER BY username

-- query changes [pgsql]
SELECT username AS login FROM mailbox
 WHERE modified >= to_timestamp(%t) OR passwordlastchange >= to_timestamp(%t) ORDER BY username
