-- preset froxlor
-- title  Froxlor (mail_users): mailboxes by user name or address
-- versions 0.9 to 2.3
-- scheme CRYPT
-- option before-2.0  0.9 and 0.10, which keep stored passwords without a prefix
-- option skip-domain  a deactivated domain or customer does not keep accounts out, as in its own query
-- make SHA256-CRYPT if before-2.0
-- make {BLF-CRYPT}

-- What to know:
--
-- password_enc holds {BLF-CRYPT}... since 2.0 and bare crypt(3) before. `password`, the clear
-- text that some sites keep too, is never read, and not kept when a password is set here.
--
-- Who signs in with the address of a mailbox with another user name is the account of that user
-- name. The user name is not unique in the table: two rows are refused.
--
-- Nothing disables an account: the panel switches its services off. postfix decides for smtp and
-- sieve. disable switches all off, enable all on. Other services are refused.
--
-- Rights: SELECT on mail_users, panel_domains, panel_customers; UPDATE of password_enc, postfix,
-- imap, pop3 on mail_users for changes. There are no columns for moments.

-- query lookup [mysql]
SELECT m.username AS login,
       CASE WHEN m.username = lower(%u) THEN m.username ELSE m.email END AS asked,
       m.password_enc AS password,
-- if not skip-domain
       CASE WHEN COALESCE(d.deactivated, 0) = 0 AND COALESCE(c.deactivated, 0) = 0
            THEN 1 ELSE 0 END AS enabled,
-- endif
       CASE WHEN CASE %s WHEN 'imap'  THEN m.imap = 1
                         WHEN 'pop3'  THEN m.pop3 = 1
                         WHEN 'smtp'  THEN m.postfix = 'Y'
                         WHEN 'sieve' THEN m.postfix = 'Y'
                         ELSE 0 END THEN 1 ELSE 0 END AS service_ok
  FROM mail_users m
-- if not skip-domain
  LEFT JOIN panel_domains d   ON d.id = m.domainid
  LEFT JOIN panel_customers c ON c.customerid = m.customerid
-- endif
 WHERE m.username = lower(%u) OR m.email = lower(%u)

-- query list [mysql]
SELECT m.username AS login,
       CASE WHEN m.imap = 1 OR m.pop3 = 1 OR m.postfix = 'Y' THEN 1 ELSE 0 END AS enabled
  FROM mail_users m
 ORDER BY m.username

-- query set_password [mysql]
UPDATE mail_users SET password_enc = %p, password = '' WHERE username = lower(%u)

-- query rehash [mysql]
UPDATE mail_users SET password_enc = %p
 WHERE username = lower(%u)
   AND CAST(CONVERT(password_enc USING utf8mb4) AS BINARY) = CAST(%o AS BINARY)

-- query enable [mysql]
UPDATE mail_users SET postfix = 'Y', imap = 1, pop3 = 1 WHERE username = lower(%u)

-- query disable [mysql]
UPDATE mail_users SET postfix = 'N', imap = 0, pop3 = 0 WHERE username = lower(%u)
