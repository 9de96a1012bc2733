-- preset imscp
-- title  i-MSCP (mail_users): mailboxes by address
-- versions 1.5
-- scheme CRYPT

-- What to know:
--
-- Stored passwords are bare SHA-512 crypt ($6$rounds=5000$). "_no_" marks an address that only
-- forwards. An account signs in while its status is "ok" and po_active is "yes", to every service.
--
-- The panel's own engine follows `status`, and would undo or miss what is written past it: accounts
-- are changed in the panel, and there are no queries for that here.
--
-- Rights: SELECT on mail_users.

-- query lookup [mysql]
SELECT m.mail_addr AS login,
       m.mail_pass AS password,
       CASE WHEN m.status = 'ok' AND m.po_active = 'yes' AND m.mail_pass <> '_no_'
            THEN 1 ELSE 0 END AS enabled,
       1 AS service_ok
  FROM mail_users m
 WHERE m.mail_addr = lower(%u)

-- query list [mysql]
SELECT m.mail_addr AS login,
       CASE WHEN m.status = 'ok' AND m.po_active = 'yes' THEN 1 ELSE 0 END AS enabled
  FROM mail_users m
 WHERE m.mail_pass <> '_no_'
 ORDER BY m.mail_addr
