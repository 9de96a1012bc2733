-- preset vmm
-- title  VMM, Virtual Mail Manager (users, domain_name): mailboxes by address
-- versions 0.5 to 0.7
-- make {SHA512-CRYPT}
-- option managesieve  the older of the two table files, whose fourth switch is called managesieve
-- option v0.5  tables of VMM 0.5: the switches are columns of users, there are no service sets
-- option primary-domain  a name of another name of its domain signs in as the one of the primary name

-- What to know:
--
-- Stored passwords have a {SCHEME} prefix always: {CRAM-MD5} unless configured otherwise,
-- {SHA512-CRYPT} with Debian's package. VMM strips blanks around a password when it sets one.
--
-- Nothing disables an account or a domain: VMM switches services off, for the account or else
-- for its domain (service sets). An account without any service cannot sign in; the reason is
-- then service-denied. Services that VMM does not know are refused, as its own function does.
--
-- All names of a domain (vmm aliasdomain-add) are good for login, and each is then an account of its
-- own to the mail server. Choose primary-domain when mailboxes have the primary name only.
--
-- A site may have either table file, whatever its version is: with "column s.sieve does not exist"
-- choose managesieve. In 0.5 choose v0.5, and managesieve too where it is called so.
--
-- disable gives the account the service set in which all four are off, enable gives it its
-- domain's set again: a set of its own is forgotten. In 0.5 neither is here, nor set_password,
-- as users.passwd has 74 characters there, too few for what is made: use vmm itself.
--
-- Rights: SELECT on users, domain_name, domain_data, service_set; UPDATE of passwd and ssid on
-- users for changes. There are no columns for a last login or the moment of a change.

-- query lookup [pgsql]
-- if primary-domain
SELECT u.local_part || '@' || COALESCE(h.domainname, n.domainname) AS login,
       u.local_part || '@' || n.domainname AS asked,
-- endif
-- if not primary-domain
SELECT u.local_part || '@' || n.domainname AS login,
-- endif
       u.passwd AS password,
       1 AS enabled,
       CASE WHEN CASE %s
-- if v0.5
            WHEN 'smtp' THEN u.smtp WHEN 'pop3' THEN u.pop3 WHEN 'imap' THEN u.imap
-- endif
-- if not v0.5
            WHEN 'smtp' THEN s.smtp WHEN 'pop3' THEN s.pop3 WHEN 'imap' THEN s.imap
-- endif
-- if v0.5 not managesieve
            WHEN 'sieve' THEN u.sieve
-- endif
-- if v0.5 managesieve
            WHEN 'sieve' THEN u.managesieve
-- endif
-- if not v0.5 not managesieve
            WHEN 'sieve' THEN s.sieve
-- endif
-- if not v0.5 managesieve
            WHEN 'sieve' THEN s.managesieve
-- endif
            ELSE false END
            THEN 1 ELSE 0 END AS service_ok
  FROM domain_name n
  JOIN users u       ON u.gid = n.gid
-- if not v0.5
  JOIN domain_data d ON d.gid = n.gid
  JOIN service_set s ON s.ssid = COALESCE(u.ssid, d.ssid)
-- endif
-- if primary-domain
  LEFT JOIN domain_name h ON h.gid = n.gid AND h.is_primary
-- endif
 WHERE n.domainname = lower(%d)
   AND u.local_part = lower(%n)

-- query list [pgsql]
SELECT u.local_part || '@' || n.domainname AS login,
-- if not v0.5 not managesieve
       s.smtp OR s.pop3 OR s.imap OR s.sieve AS enabled
-- endif
-- if not v0.5 managesieve
       s.smtp OR s.pop3 OR s.imap OR s.managesieve AS enabled
-- endif
-- if v0.5 not managesieve
       u.smtp OR u.pop3 OR u.imap OR u.sieve AS enabled
-- endif
-- if v0.5 managesieve
       u.smtp OR u.pop3 OR u.imap OR u.managesieve AS enabled
-- endif
  FROM users u
  JOIN domain_name n ON n.gid = u.gid AND n.is_primary
-- if not v0.5
  JOIN domain_data d ON d.gid = n.gid
  JOIN service_set s ON s.ssid = COALESCE(u.ssid, d.ssid)
-- endif
 ORDER BY 1

-- query set_password [pgsql] if not v0.5
UPDATE users SET passwd = %p
  FROM domain_name n
 WHERE n.gid = users.gid AND n.domainname = lower(%d) AND users.local_part = lower(%n)

-- query rehash [pgsql] if not v0.5
UPDATE users SET passwd = %p
  FROM domain_name n
 WHERE n.gid = users.gid AND n.domainname = lower(%d) AND users.local_part = lower(%n)
   AND CAST(users.passwd AS text) COLLATE "C" = %o

-- query enable [pgsql] if not v0.5
UPDATE users SET ssid = NULL
  FROM domain_name n
 WHERE n.gid = users.gid AND n.domainname = lower(%d) AND users.local_part = lower(%n)

-- query disable [pgsql] if not v0.5
UPDATE users
   SET ssid = (SELECT s.ssid FROM service_set s
                WHERE NOT s.smtp AND NOT s.pop3 AND NOT s.imap
-- if not managesieve
                  AND NOT s.sieve)
-- endif
-- if managesieve
                  AND NOT s.managesieve)
-- endif
  FROM domain_name n
 WHERE n.gid = users.gid AND n.domainname = lower(%d) AND users.local_part = lower(%n)
