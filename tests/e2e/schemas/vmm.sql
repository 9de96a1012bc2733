CREATE TABLE service_set (ssid BIGINT PRIMARY KEY, smtp BOOLEAN NOT NULL, pop3 BOOLEAN NOT NULL,
    imap BOOLEAN NOT NULL, [fourth] BOOLEAN NOT NULL);
INSERT INTO service_set VALUES (1, TRUE, TRUE, TRUE, TRUE), (2, FALSE, FALSE, FALSE, FALSE),
    (3, FALSE, TRUE, TRUE, TRUE), (4, TRUE, FALSE, TRUE, TRUE), (5, TRUE, TRUE, FALSE, TRUE), (6, TRUE, TRUE, TRUE, FALSE);
CREATE TABLE domain_data (gid BIGINT PRIMARY KEY, ssid BIGINT NOT NULL DEFAULT 1, domaindir VARCHAR(40) NOT NULL);
CREATE TABLE domain_name (domainname VARCHAR(255) PRIMARY KEY, gid BIGINT NOT NULL, is_primary BOOLEAN NOT NULL);
CREATE TABLE users (local_part VARCHAR(64) NOT NULL, passwd VARCHAR(270) NOT NULL, name VARCHAR(128), uid BIGINT UNIQUE,
    gid BIGINT NOT NULL, ssid BIGINT, note TEXT, PRIMARY KEY (local_part, gid));
INSERT INTO domain_data VALUES (1, 1, '/srv/1'), (2, 2, '/srv/2');
INSERT INTO domain_name VALUES ('example.org', 1, TRUE), ('alias.example', 1, FALSE), ('off.example', 2, TRUE);
INSERT INTO users (local_part, passwd, uid, gid, ssid) VALUES
    ('ada', '{SHA512-CRYPT}<<right>>', 70001, 1, NULL), ('off', '{SHA512-CRYPT}<<right>>', 70002, 1, 2),
    ('nosmtp', '{SHA512-CRYPT}<<right>>', 70003, 1, 3), ('nopop3', '{SHA512-CRYPT}<<right>>', 70004, 1, 4),
    ('noimap', '{SHA512-CRYPT}<<right>>', 70005, 1, 5), ('nosieve', '{SHA512-CRYPT}<<right>>', 70006, 1, 6),
    ('in', '{SHA512-CRYPT}<<right>>', 70007, 2, NULL), ('own', '{SHA512-CRYPT}<<right>>', 70008, 2, 1),
    ('lock', '{SHA512-CRYPT}!', 70009, 1, NULL);
