CREATE TABLE domain_data (gid BIGINT PRIMARY KEY, domaindir VARCHAR(40) NOT NULL);
CREATE TABLE domain_name (domainname VARCHAR(255) PRIMARY KEY, gid BIGINT NOT NULL, is_primary BOOLEAN NOT NULL);
CREATE TABLE users (local_part VARCHAR(64) NOT NULL, passwd VARCHAR(254) NOT NULL, uid BIGINT UNIQUE, gid BIGINT NOT NULL,
    smtp BOOLEAN NOT NULL, pop3 BOOLEAN NOT NULL, imap BOOLEAN NOT NULL, [fourth] BOOLEAN NOT NULL,
    PRIMARY KEY (local_part, gid));
INSERT INTO domain_name VALUES ('example.org', 1, TRUE), ('alias.example', 1, FALSE);
INSERT INTO users VALUES ('ada', '{SHA512-CRYPT}<<right>>', 70001, 1, TRUE, TRUE, TRUE, TRUE),
    ('off', '{SHA512-CRYPT}<<right>>', 70002, 1, FALSE, FALSE, FALSE, FALSE),
    ('nosmtp', '{SHA512-CRYPT}<<right>>', 70003, 1, FALSE, TRUE, TRUE, TRUE),
    ('nopop3', '{SHA512-CRYPT}<<right>>', 70004, 1, TRUE, FALSE, TRUE, TRUE),
    ('noimap', '{SHA512-CRYPT}<<right>>', 70005, 1, TRUE, TRUE, FALSE, TRUE),
    ('nosieve', '{SHA512-CRYPT}<<right>>', 70006, 1, TRUE, TRUE, TRUE, FALSE);
