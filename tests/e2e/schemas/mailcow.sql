CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, active TINYINT(1) NOT NULL DEFAULT 1, backupmx TINYINT(1) DEFAULT 0);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) PRIMARY KEY, target_domain VARCHAR(255), active TINYINT(1) DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255) NOT NULL, local_part VARCHAR(255),
    domain VARCHAR(255), attributes JSON, kind VARCHAR(100) NOT NULL DEFAULT '',
    [authsource]created DATETIME DEFAULT NOW(), modified DATETIME NULL, active TINYINT(1) NOT NULL DEFAULT 1);
CREATE TABLE app_passwd (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), mailbox VARCHAR(255), domain VARCHAR(255),
    password VARCHAR(255), imap_access TINYINT DEFAULT 1, smtp_access TINYINT DEFAULT 1, dav_access TINYINT DEFAULT 1,
    eas_access TINYINT DEFAULT 1, pop3_access TINYINT DEFAULT 1, sieve_access TINYINT DEFAULT 1, active TINYINT DEFAULT 1);
CREATE TABLE sasl_log (service VARCHAR(32), app_password INT, username VARCHAR(255), real_rip VARCHAR(64),
    datetime DATETIME DEFAULT NOW(), PRIMARY KEY (service, real_rip, username));
INSERT INTO domain (domain, active) VALUES ('example.org', 1), ('off.example', 0);
INSERT INTO alias_domain VALUES ('alias.example', 'example.org', 1);
INSERT INTO mailbox (username, password, local_part, domain, attributes, kind, active) VALUES
    ('ada@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'ada', 'example.org', '{}', '', 1),
    ('off@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'off', 'example.org', '{}', '', 0),
    ('recv@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'recv', 'example.org', '{}', '', 2),
    ('room@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'room', 'example.org', '{}', 'location', 1),
    ('in@off.example', '{BLF-CRYPT}<<bcrypt right>>', 'in', 'off.example', '{}', '', 1),
    ('noimap@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'noimap', 'example.org', '{"imap_access":"0"}', '', 1),
    ('nopop3@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'nopop3', 'example.org', '{"pop3_access":"0"}', '', 1),
    ('nosmtp@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'nosmtp', 'example.org', '{"smtp_access":"0"}', '', 1),
    ('nosieve@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'nosieve', 'example.org', '{"sieve_access":"0"}', '', 1),
    ('force@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'force', 'example.org', '{"force_pw_update":"1"}', '', 1),
    ('oidc@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'oidc', 'example.org', '{}', '', 1),
    ('lock@example.org', '', 'lock', 'example.org', '{}', '', 1), ('plain@example.org', 'right', 'plain', 'example.org', '{}', '', 1),
    ('bare@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'bare', 'example.org', NULL, '', 1),
    ('true@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'true', 'example.org', '{"imap_access":true,"pop3_access":false}', '', 1),
    ('group@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'group', 'example.org', '{}', 'group', 1),
    ('example.org@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'example.org', 'example.org', '{}', '', 1);
INSERT INTO app_passwd (name, mailbox, domain, password, imap_access, smtp_access, active) VALUES
    ('phone', 'ada@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 0, 1),
    ('printer', 'ada@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of printer>>', 0, 1, 1),
    ('lost', 'ada@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of lost>>', 1, 1, 0),
    ('phone', 'noimap@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'off@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'in@off.example', 'off.example', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'force@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'oidc@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'recv@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1),
    ('phone', 'room@example.org', 'example.org', '{BLF-CRYPT}<<bcrypt of phone>>', 1, 1, 1);
