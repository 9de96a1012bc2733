CREATE TABLE [accounts] (id INTEGER PRIMARY KEY, username VARCHAR(254) NOT NULL UNIQUE, email VARCHAR(254),
    password VARCHAR(256), is_active BOOL NOT NULL, [local]is_staff BOOL, last_login TIMESTAMP NULL);
CREATE TABLE admin_domain (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, enabled BOOL NOT NULL,
    type VARCHAR(20));
CREATE TABLE admin_mailbox (id INTEGER PRIMARY KEY, address VARCHAR(252) NOT NULL, domain_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL, quota INTEGER, [send-only]last_modification TIMESTAMP NULL);
CREATE TABLE admin_domainalias (id INTEGER PRIMARY KEY, name VARCHAR(254) NOT NULL UNIQUE, target_id INTEGER,
    enabled BOOL NOT NULL);
INSERT INTO admin_domain VALUES (1, 'example.org', TRUE, 'domain'), (2, 'off.example', FALSE, 'domain');
INSERT INTO admin_domainalias VALUES (1, 'alias.example', 1, TRUE), (2, 'away.example', 1, FALSE);
INSERT INTO [accounts] (id, username, email, password, is_active) VALUES
    (1, 'ada@example.org', 'ada@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (2, 'off@example.org', 'off@example.org', '{SHA512-CRYPT}<<right>>', FALSE),
    (3, 'in@off.example', 'in@off.example', '{SHA512-CRYPT}<<right>>', TRUE),
    (4, 'null@example.org', 'null@example.org', NULL, TRUE),
    (5, 'boss', 'boss@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (6, 'twin1', 'twin@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (7, 'twin2', 'twin@example.org', '{SHA512-CRYPT}<<other>>', TRUE),
    (8, 'ldap@example.org', 'ldap@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (9, 'send@example.org', 'send@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (10, 'bare@example.org', 'bare@example.org', '<<md5crypt right>>', TRUE),
    (11, 'example.org@example.org', 'example.org@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (12, 'unusable@example.org', 'unusable@example.org', '!', TRUE), (13, 'own', 'own@example.org', '{SHA512-CRYPT}<<right>>', TRUE),
    (14, 'boxes@example.org', 'boxes@example.org', '{SHA512-CRYPT}<<right>>', TRUE);
INSERT INTO admin_mailbox (id, address, domain_id, user_id) VALUES (1, 'ada', 1, 1), (2, 'off', 1, 2),
    (3, 'in', 2, 3), (4, 'null', 1, 4), (6, 'twin', 1, 6), (7, 'twin', 1, 7), (8, 'ldap', 1, 8),
    (9, 'send', 1, 9), (10, 'bare', 1, 10), (11, 'example.org', 1, 11), (12, 'unusable', 1, 12), (13, 'own', 1, 13),
    (14, 'boxes', 1, 14), (15, 'boxes2', 1, 14);
