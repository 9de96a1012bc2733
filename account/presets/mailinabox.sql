-- preset mailinabox
-- title  Mail-in-a-Box (users of $STORAGE_ROOT/mail/users.sqlite): mailboxes by address
-- versions v75
-- scheme SHA512-CRYPT
-- make {SHA512-CRYPT}

-- What to know:
--
-- Stored passwords are {SHA512-CRYPT}$6$...; one without a prefix is SHA512-CRYPT too. There are no
-- switches at all: to stop a user the box deletes the row, so there is no enable or disable.
-- The control panel's second factor (mfa) is about the panel only.
--
-- The file belongs to the control panel, which holds its lock for a moment when it writes. The
-- daemon opens it read-only; it needs to be able to read the file and its folder.

-- query lookup [sqlite]
SELECT email AS login, password AS password, 1 AS enabled, 1 AS service_ok
  FROM users
 WHERE email = lower(%u)

-- query list [sqlite]
SELECT email AS login, 1 AS enabled FROM users ORDER BY email

-- query set_password [sqlite]
UPDATE users SET password = %p WHERE email = lower(%u)

-- query rehash [sqlite]
UPDATE users SET password = %p
 WHERE email = lower(%u)
   AND CAST(password AS BLOB) = CAST(%o AS BLOB)
