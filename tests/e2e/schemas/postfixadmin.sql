CREATE TABLE [prefix]domain (domain VARCHAR(255) NOT NULL PRIMARY KEY, transport VARCHAR(255), backupmx BOOL,
    active BOOL NOT NULL DEFAULT TRUE, password_expiry INTEGER DEFAULT 0, created TIMESTAMP NULL, modified TIMESTAMP NULL);
CREATE TABLE [prefix]mailbox (username VARCHAR(255) NOT NULL PRIMARY KEY, password VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL DEFAULT '', maildir VARCHAR(255) NOT NULL DEFAULT '', quota BIGINT NOT NULL DEFAULT 0,
    local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL, active BOOL NOT NULL DEFAULT TRUE,
    created TIMESTAMP NULL, modified TIMESTAMP NULL, password_expiry TIMESTAMP NULL,
    totp_secret VARCHAR(255), smtp_active BOOL NOT NULL DEFAULT TRUE);
CREATE TABLE [prefix]alias_domain (alias_domain VARCHAR(255) NOT NULL PRIMARY KEY, target_domain VARCHAR(255) NOT NULL,
    active BOOL NOT NULL DEFAULT TRUE);
CREATE TABLE [prefix]mailbox_app_password (id INTEGER PRIMARY KEY, username VARCHAR(255), description VARCHAR(255),
    password_hash VARCHAR(255));
CREATE TABLE [prefix]totp_exception_address (id INTEGER PRIMARY KEY, ip VARCHAR(46), username VARCHAR(255),
    description VARCHAR(255));
INSERT INTO [prefix]domain (domain, active, password_expiry) VALUES ('example.org', TRUE, 0), ('off.example', FALSE, 0),
    ('strict.example', TRUE, 365), ('alias.example', TRUE, 0);
INSERT INTO [prefix]alias_domain VALUES ('alias.example', 'example.org', TRUE), ('away.example', 'example.org', FALSE);
INSERT INTO [prefix]mailbox (username, password, local_part, domain, active, smtp_active, totp_secret, password_expiry) VALUES
    ('ada@example.org', '<<right>>', 'ada', 'example.org', TRUE, TRUE, NULL, '2000-01-01 00:00:00'),
    ('off@example.org', '<<right>>', 'off', 'example.org', FALSE, FALSE, NULL, '2000-01-01 00:00:00'),
    ('send@example.org', '<<right>>', 'send', 'example.org', FALSE, TRUE, NULL, '2000-01-01 00:00:00'),
    ('read@example.org', '<<right>>', 'read', 'example.org', TRUE, FALSE, NULL, '2000-01-01 00:00:00'),
    ('totp@example.org', '<<right>>', 'totp', 'example.org', TRUE, TRUE, 'JBSWY3DP', '2000-01-01 00:00:00'),
    ('in@off.example', '<<right>>', 'in', 'off.example', TRUE, TRUE, NULL, '2000-01-01 00:00:00'),
    ('late@strict.example', '<<right>>', 'late', 'strict.example', TRUE, TRUE, NULL, '2020-01-01 00:00:00'),
    ('soon@strict.example', '<<right>>', 'soon', 'strict.example', TRUE, TRUE, NULL, '2037-01-01 00:00:00'),
    ('lock@example.org', '', 'lock', 'example.org', TRUE, TRUE, NULL, '2000-01-01 00:00:00'),
    ('never@strict.example', '<<right>>', 'never', 'strict.example', TRUE, TRUE, NULL, NULL),
    ('example.org@example.org', '<<right>>', 'example.org', 'example.org', TRUE, TRUE, NULL, '2000-01-01 00:00:00');
INSERT INTO [prefix]mailbox_app_password VALUES (1, 'totp@example.org', 'phone', '<<of phone>>'),
    (2, 'totp@example.org', 'tablet', '<<of tablet>>'), (3, 'off@example.org', 'phone', '<<of phone>>'),
    (4, 'in@off.example', 'phone', '<<of phone>>'), (5, 'read@example.org', NULL, '<<of phone>>'),
    (6, 'totp@example.org', 'empty', NULL);
INSERT INTO [prefix]totp_exception_address VALUES (1, '192.0.2.1', 'totp@example.org', 'home'),
    (2, '192.0.2.2', NULL, 'office'), (3, '192.0.2.3', 'ada@example.org', 'elsewhere');
