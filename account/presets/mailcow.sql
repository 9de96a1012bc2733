-- preset mailcow
-- title  mailcow-dockerized (mailbox, app_passwd): mailboxes by address
-- versions 2022-01 to 2026-07
-- make {BLF-CRYPT}
-- option before-2025-03  tables without authsource; force_pw_update keeps the main password out
-- option alias-domains  who signs in with an alias domain is the mailbox of the domain behind it

-- What to know:
--
-- Stored passwords have a {SCHEME} prefix, {BLF-CRYPT} unless MAILCOW_PASS_SCHEME says otherwise.
-- mailcow verifies none without one.
--
-- active = 2 receives mail and may not sign in. Rooms, things and groups (kind) never sign in.
-- A mailbox whose authsource is Keycloak, OIDC or LDAP has no password here, and app passwords only.
--
-- The switches for services in attributes are the main password's. An app password has its own,
-- and signs in where the main password may not; app passwords are tried after the main one.
--
-- Rights: SELECT on mailbox, domain, app_passwd, with alias-domains alias_domain; UPDATE of
-- password and active on mailbox for changes, REPLACE on sasl_log for touch. These are MariaDB's
-- functions (JSON_VALUE), as mailcow has it; not those of Oracle's MySQL before 8.0.21.

-- query lookup [mysql]
SELECT m.username AS login,
-- if alias-domains
       CASE WHEN m.username = lower(%u) THEN m.username
            ELSE REPLACE(REPLACE('<l>@<d>', '<d>', a.alias_domain), '<l>', m.local_part) END AS asked,
-- endif
-- if before-2025-03
       m.password AS password,
-- endif
-- if not before-2025-03
       CASE WHEN COALESCE(m.authsource, 'mailcow') = 'mailcow' THEN m.password END AS password,
-- endif
       CASE WHEN m.active = 1 AND d.active = 1
             AND m.kind NOT REGEXP 'location|thing|group' THEN 1 ELSE 0 END AS enabled,
       CASE WHEN COALESCE(JSON_VALUE(m.attributes,
                  CASE %s WHEN 'imap'  THEN '$.imap_access'
                          WHEN 'pop3'  THEN '$.pop3_access'
                          WHEN 'smtp'  THEN '$.smtp_access'
                          WHEN 'sieve' THEN '$.sieve_access'
                          ELSE '$.none' END), '1') IN ('1', 'true')
-- if before-2025-03
             AND COALESCE(JSON_VALUE(m.attributes, '$.force_pw_update'), '0') NOT IN ('1', 'true')
-- endif
            THEN 1 ELSE 0 END AS service_ok
  FROM mailbox m
  JOIN domain d ON d.domain = m.domain
-- if alias-domains
  LEFT JOIN alias_domain a
         ON a.alias_domain = lower(%d) AND a.target_domain = m.domain AND a.active = 1
-- endif
 WHERE m.username = lower(%u)
-- if alias-domains
    OR (a.alias_domain IS NOT NULL AND m.local_part = lower(%n))
-- endif

-- query secrets [mysql]
SELECT m.username AS login,
       p.password AS password,
       p.name AS name,
       CASE %s WHEN 'imap'  THEN p.imap_access
               WHEN 'smtp'  THEN p.smtp_access
               WHEN 'pop3'  THEN p.pop3_access
               WHEN 'sieve' THEN p.sieve_access
               ELSE 0 END = 1 AS service_ok
  FROM app_passwd p
  JOIN mailbox m ON m.username = p.mailbox
-- if alias-domains
  LEFT JOIN alias_domain a
         ON a.alias_domain = lower(%d) AND a.target_domain = m.domain AND a.active = 1
-- endif
 WHERE p.active = 1
-- if not alias-domains
   AND m.username = lower(%u)
-- endif
-- if alias-domains
   AND (m.username = lower(%u)
        OR (a.alias_domain IS NOT NULL AND m.local_part = lower(%n)))
-- endif
 ORDER BY p.id

-- query list [mysql]
SELECT m.username AS login,
       CASE WHEN m.active = 1 AND d.active = 1
             AND m.kind NOT REGEXP 'location|thing|group' THEN 1 ELSE 0 END AS enabled
  FROM mailbox m
  JOIN domain d ON d.domain = m.domain
 ORDER BY m.username

-- query set_password [mysql]
UPDATE mailbox SET password = %p WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query enable [mysql]
UPDATE mailbox SET active = 1 WHERE username = lower(%u)

-- query disable [mysql]
UPDATE mailbox SET active = 0 WHERE username = lower(%u)

-- query touch [mysql]
REPLACE INTO sasl_log (service, app_password, username, real_rip) VALUES (%s, 0, lower(%u), %i)

-- query changes [mysql]
SELECT username AS login FROM mailbox
 WHERE COALESCE(modified, created) >= FROM_UNIXTIME(%t) ORDER BY username
