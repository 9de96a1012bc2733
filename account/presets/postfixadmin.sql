-- preset postfixadmin
-- title  PostfixAdmin (mailbox, domain): mailboxes by address
-- versions 2.3 to 4.0
-- scheme CRYPT
-- make BLF-CRYPT
-- option prefix=  the tables' prefix, as in $CONF['database_prefix']
-- option smtp-active  mailbox.smtp_active decides for smtp (4.0 with $CONF['smtp_active_flag'])
-- option app-passwords  app passwords sign in, and TOTP keeps the main password to the web (4.0)
-- option enforce-expiry  a password whose password_expiry has passed signs nobody in (3.3 and later)
-- option alias-domains  who signs in with an alias domain is the mailbox of the domain behind it
-- option skip-domain  a disabled domain does not keep its mailboxes out, as in PostfixAdmin's examples

-- What to know:
--
-- What a stored password looks like depends on $CONF['encrypt'], and most forms tell themselves
-- by their beginning. "md5" is 32 hex digits: set default_scheme = "PLAIN-MD5". "cleartext"
-- (to 3.3) is bare text: default_scheme = "PLAIN".
--
-- New ones are bare bcrypt ($2y$10$...), which PostfixAdmin 4.0 makes and verifies and 3.x
-- verifies with php_crypt. Where it is told to use something else, say it here too, such as
-- make_scheme = "{SHA512-CRYPT}" for php_crypt:SHA512::{SHA512-CRYPT}.
--
-- Without smtp-active, mailbox.active counts for every service. With it, as in 4.0, smtp goes by
-- smtp_active alone: a mailbox with active = 0 and smtp_active = 1 may send.
--
-- With app-passwords, a mailbox with a TOTP secret signs in with its main password from the
-- addresses of totp_exception_address only; an exception without a user name is for everybody.
-- The released libsasl2 tells no address: then such a mailbox needs an app password.
--
-- A view for SOGo (sogo_users) usually leaves out `active`: who is disabled here can still sign
-- in to SOGo through it, unless its authentication goes to the IMAP server.
--
-- Rights: SELECT on mailbox and domain, with options on alias_domain, mailbox_app_password,
-- totp_exception_address; UPDATE of password, active, modified on mailbox for changes. There is
-- no column for a last login. 2.3 may have a password column too short for what is made.

-- query lookup [mysql pgsql sqlite]
SELECT m.username AS login,
-- if alias-domains
       CASE WHEN m.username = lower(%u) THEN m.username
            ELSE REPLACE(REPLACE('<l>@<d>', '<d>', a.alias_domain), '<l>', m.local_part) END AS asked,
-- endif
       m.password AS password,
-- if smtp-active
       CASE WHEN (m.active OR (%s = 'smtp' AND m.smtp_active))
-- endif
-- if not smtp-active
       CASE WHEN m.active
-- endif
-- if not skip-domain
             AND d.active
-- endif
            THEN 1 ELSE 0 END AS enabled,
-- if enforce-expiry
       CASE WHEN d.password_expiry > 0
             AND (m.password_expiry IS NULL OR m.password_expiry <= CURRENT_TIMESTAMP)
            THEN 1 ELSE 0 END AS password_expired,
-- endif
-- if smtp-active
       CASE WHEN CASE WHEN %s = 'smtp' THEN m.smtp_active ELSE m.active END
-- endif
-- if not smtp-active
       CASE WHEN 1 = 1
-- endif
-- if app-passwords
             AND (m.totp_secret IS NULL OR m.totp_secret = ''
                  OR EXISTS (SELECT 1 FROM %{prefix}totp_exception_address t
                              WHERE t.ip = %i AND (t.username = m.username OR t.username IS NULL)))
-- endif
            THEN 1 ELSE 0 END AS service_ok
  FROM %{prefix}mailbox m
  JOIN %{prefix}domain d ON d.domain = m.domain
-- if alias-domains
  LEFT JOIN %{prefix}alias_domain a
         ON a.alias_domain = lower(%d) AND a.target_domain = m.domain AND a.active
-- endif
 WHERE m.username = lower(%u)
-- if alias-domains
    OR (a.alias_domain IS NOT NULL AND m.local_part = lower(%n))
-- endif

-- query secrets [mysql pgsql sqlite] if app-passwords
SELECT m.username AS login,
       p.password_hash AS password,
       p.description AS name,
-- if smtp-active
       CASE WHEN CASE WHEN %s = 'smtp' THEN m.smtp_active ELSE m.active END
            THEN 1 ELSE 0 END AS service_ok
-- endif
-- if not smtp-active
       1 AS service_ok
-- endif
  FROM %{prefix}mailbox_app_password p
  JOIN %{prefix}mailbox m ON m.username = p.username
-- if alias-domains
  LEFT JOIN %{prefix}alias_domain a
         ON a.alias_domain = lower(%d) AND a.target_domain = m.domain AND a.active
-- endif
 WHERE m.username = lower(%u)
-- if alias-domains
    OR (a.alias_domain IS NOT NULL AND m.local_part = lower(%n))
-- endif
 ORDER BY p.id

-- query list [mysql pgsql sqlite]
SELECT m.username AS login,
       CASE WHEN m.active
-- if not skip-domain
             AND d.active
-- endif
            THEN 1 ELSE 0 END AS enabled
  FROM %{prefix}mailbox m
  JOIN %{prefix}domain d ON d.domain = m.domain
 ORDER BY m.username

-- query set_password [mysql pgsql sqlite]
UPDATE %{prefix}mailbox SET password = %p, modified = CURRENT_TIMESTAMP WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE %{prefix}mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(password USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query rehash [pgsql]
UPDATE %{prefix}mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(password AS text) COLLATE "C" = %o

-- query rehash [sqlite]
UPDATE %{prefix}mailbox SET password = %p
 WHERE username = lower(%u)
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)

-- query enable [mysql pgsql sqlite]
UPDATE %{prefix}mailbox
   SET active = TRUE, modified = CURRENT_TIMESTAMP
-- if smtp-active
       , smtp_active = TRUE
-- endif
 WHERE username = lower(%u)

-- query disable [mysql pgsql sqlite]
UPDATE %{prefix}mailbox
   SET active = FALSE, modified = CURRENT_TIMESTAMP
-- if smtp-active
       , smtp_active = FALSE
-- endif
 WHERE username = lower(%u)

-- query changes [mysql]
SELECT username AS login FROM %{prefix}mailbox WHERE modified >= FROM_UNIXTIME(%t) ORDER BY username

-- query changes [pgsql]
SELECT username AS login FROM %{prefix}mailbox WHERE modified >= to_timestamp(%t) ORDER BY username

-- query changes [sqlite]
SELECT username AS login FROM %{prefix}mailbox WHERE modified >= datetime(%t, 'unixepoch') ORDER BY username
