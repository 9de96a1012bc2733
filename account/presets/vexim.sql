-- preset vexim
-- title  Vexim 2, Virtual Exim (users, domains): mailboxes by address
-- versions 2.2 to 2.3
-- scheme CRYPT
-- make SHA512-CRYPT
-- option alias-domains  who signs in with an alias domain is the account of the domain behind it
-- option skip-domain  a disabled domain does not keep its accounts out, as in Vexim's examples

-- What to know:
--
-- users.crypt is bare crypt(3), $6$ by default, or as $cryptscheme says; {SHA} has a prefix. Where
-- it is "clear", set default_scheme = "PLAIN". `clear`, before 2.3, is never read.
--
-- Accounts of type local, piped and alias sign in, the last for smtp only, as it has no mailbox;
-- the site's administrator, failing addresses and catch-alls never do. There are no switches for services.
--
-- Rights: SELECT on users and domains, with alias-domains domainalias; UPDATE of crypt and enabled
-- on users for changes. There are no columns for moments.

-- query lookup [mysql pgsql]
SELECT u.username AS login,
-- if alias-domains
       CASE WHEN d.domain = lower(%d) THEN u.username
            ELSE REPLACE(REPLACE('<l>@<d>', '<d>', a.alias), '<l>', u.localpart) END AS asked,
-- endif
       u.crypt AS password,
       CASE WHEN u.enabled = 1
-- if not skip-domain
             AND d.enabled = 1
-- endif
             AND u.type IN ('local', 'piped', 'alias') THEN 1 ELSE 0 END AS enabled,
       CASE WHEN %s IN ('imap', 'pop3', 'sieve') AND u.type = 'alias' THEN 0 ELSE 1 END AS service_ok
  FROM users u
  JOIN domains d ON d.domain_id = u.domain_id
-- if alias-domains
  LEFT JOIN domainalias a ON a.domain_id = d.domain_id AND a.alias = lower(%d)
-- endif
 WHERE u.localpart = lower(%n)
-- if not alias-domains
   AND d.domain = lower(%d)
-- endif
-- if alias-domains
   AND (d.domain = lower(%d) OR a.alias IS NOT NULL)
-- endif

-- query list [mysql pgsql]
SELECT u.username AS login,
       CASE WHEN u.enabled = 1
-- if not skip-domain
             AND d.enabled = 1
-- endif
            THEN 1 ELSE 0 END AS enabled
  FROM users u
  JOIN domains d ON d.domain_id = u.domain_id
 WHERE u.type IN ('local', 'piped', 'alias')
 ORDER BY u.username

-- query set_password [mysql pgsql]
UPDATE users SET crypt = %p WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE users SET crypt = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(crypt USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE users SET crypt = %p
 WHERE username = lower(%u)
   AND CAST(crypt AS text) COLLATE "C" = %o

-- query enable [mysql pgsql]
UPDATE users SET enabled = 1 WHERE username = lower(%u)

-- query disable [mysql pgsql]
UPDATE users SET enabled = 0 WHERE username = lower(%u)
