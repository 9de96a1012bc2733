-- preset vpopmail
-- title  vpopmail (vpopmail): mailboxes by address
-- versions 5.4 to 5.6
-- scheme CRYPT
-- make SHA512-CRYPT
-- option domain-limits  the switches of the table limits count too (MySQL)
-- option alias-domains  who signs in with an alias domain is the account of the domain behind it (MySQL)

-- What to know:
--
-- These are the tables of a build with "many domains", which is the default. Without it each domain has a
-- table of its own, and one accounts section with own queries is needed for each.
--
-- Stored passwords are bare crypt(3) by build option: $6$, $1$ or DES. pw_passwd has 128
-- characters in 5.6 and 40 in 5.4, too few there for what is made: set no passwords here in 5.4.
-- pw_clear_passwd is never read.
--
-- pw_gid is a set of bits: 2 no pop3, 8 no imap, 2048 no smtp; 8192 exempts the account from its
-- domain's limits. Nothing else disables an account. disable sets these three and the bit for
-- webmail (4), enable clears the four.
--
-- Rights: SELECT on vpopmail, with options limits and aliasdomains; UPDATE of pw_passwd, pw_gid on
-- vpopmail for changes, REPLACE on lastauth (a build option) for touch.

-- query lookup [mysql]
SELECT CONCAT(p.pw_name, '@', p.pw_domain) AS login,
-- if alias-domains
       CONCAT(p.pw_name, '@', CASE WHEN p.pw_domain = lower(%d) THEN p.pw_domain ELSE a.alias END) AS asked,
-- endif
       p.pw_passwd AS password,
       1 AS enabled,
       CASE WHEN CASE %s
-- if domain-limits
              WHEN 'pop3' THEN (p.pw_gid & 2) <> 0    OR ((p.pw_gid & 8192) = 0 AND COALESCE(l.disable_pop, 0) = 1)
              WHEN 'imap' THEN (p.pw_gid & 8) <> 0    OR ((p.pw_gid & 8192) = 0 AND COALESCE(l.disable_imap, 0) = 1)
              WHEN 'smtp' THEN (p.pw_gid & 2048) <> 0 OR ((p.pw_gid & 8192) = 0 AND COALESCE(l.disable_smtp, 0) = 1)
-- endif
-- if not domain-limits
              WHEN 'pop3' THEN (p.pw_gid & 2) <> 0
              WHEN 'imap' THEN (p.pw_gid & 8) <> 0
              WHEN 'smtp' THEN (p.pw_gid & 2048) <> 0
-- endif
              ELSE 0 END THEN 0 ELSE 1 END AS service_ok
  FROM vpopmail p
-- if domain-limits
  LEFT JOIN limits l ON l.domain = p.pw_domain
-- endif
-- if alias-domains
  LEFT JOIN aliasdomains a ON a.domain = p.pw_domain AND a.alias = lower(%d)
-- endif
 WHERE p.pw_name = lower(%n)
-- if not alias-domains
   AND p.pw_domain = lower(%d)
-- endif
-- if alias-domains
   AND (p.pw_domain = lower(%d) OR a.alias IS NOT NULL)
-- endif

-- query lookup [pgsql sqlite]
SELECT p.pw_name || '@' || p.pw_domain AS login,
       p.pw_passwd AS password,
       1 AS enabled,
       CASE WHEN CASE %s WHEN 'pop3' THEN p.pw_gid & 2
                         WHEN 'imap' THEN p.pw_gid & 8
                         WHEN 'smtp' THEN p.pw_gid & 2048
                         ELSE 0 END = 0 THEN 1 ELSE 0 END AS service_ok
  FROM vpopmail p
 WHERE p.pw_name = lower(%n) AND p.pw_domain = lower(%d)

-- query list [mysql]
SELECT CONCAT(pw_name, '@', pw_domain) AS login,
       CASE WHEN (pw_gid & 2058) = 2058 THEN 0 ELSE 1 END AS enabled
  FROM vpopmail
 ORDER BY pw_domain, pw_name

-- query list [pgsql sqlite]
SELECT pw_name || '@' || pw_domain AS login,
       CASE WHEN (pw_gid & 2058) = 2058 THEN 0 ELSE 1 END AS enabled
  FROM vpopmail
 ORDER BY pw_domain, pw_name

-- query set_password [mysql pgsql sqlite]
UPDATE vpopmail SET pw_passwd = %p WHERE pw_name = lower(%n) AND pw_domain = lower(%d)

-- query rehash [mysql]
UPDATE vpopmail SET pw_passwd = %p
 WHERE pw_name = lower(%n) AND pw_domain = lower(%d)
   AND CAST(CONVERT(pw_passwd USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE vpopmail SET pw_passwd = %p
 WHERE pw_name = lower(%n) AND pw_domain = lower(%d)
   AND CAST(pw_passwd AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE vpopmail SET pw_passwd = %p
 WHERE pw_name = lower(%n) AND pw_domain = lower(%d)
   AND CAST(pw_passwd AS BLOB) = CAST(%o AS BLOB)

-- query enable [mysql pgsql sqlite]
UPDATE vpopmail SET pw_gid = pw_gid & ~2062 WHERE pw_name = lower(%n) AND pw_domain = lower(%d)

-- query disable [mysql pgsql sqlite]
UPDATE vpopmail SET pw_gid = pw_gid | 2062 WHERE pw_name = lower(%n) AND pw_domain = lower(%d)

-- query touch [mysql]
REPLACE INTO lastauth (user, domain, remote_ip, timestamp) VALUES (lower(%n), lower(%d), %i, UNIX_TIMESTAMP())
