CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, backupmx SMALLINT NOT NULL DEFAULT 0, active SMALLINT NOT NULL DEFAULT 1,
    expired TIMESTAMP NOT NULL DEFAULT '2037-12-31 00:00:00');
CREATE TABLE alias_domain (alias_domain VARCHAR(255) PRIMARY KEY, target_domain VARCHAR(255), active SMALLINT DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL,
    enablesmtp SMALLINT NOT NULL DEFAULT 1, enablesmtpsecured SMALLINT NOT NULL DEFAULT 1,
    enablepop3 SMALLINT NOT NULL DEFAULT 1, enablepop3secured SMALLINT NOT NULL DEFAULT 1,
    enableimap SMALLINT NOT NULL DEFAULT 1, enableimapsecured SMALLINT NOT NULL DEFAULT 1,
    enablesieve SMALLINT NOT NULL DEFAULT 1, enablesievesecured SMALLINT NOT NULL DEFAULT 1,
    allow_nets TEXT, passwordlastchange TIMESTAMP NULL, modified TIMESTAMP NULL,
    expired TIMESTAMP NOT NULL DEFAULT '2037-12-31 00:00:00', active SMALLINT NOT NULL DEFAULT 1);
CREATE TABLE last_login (username VARCHAR(255), domain VARCHAR(255), imap BIGINT, pop3 BIGINT, lda BIGINT,
[mysql]    PRIMARY KEY (username));
[pgsql]    PRIMARY KEY (username, domain));
INSERT INTO domain (domain, backupmx, active, expired) VALUES ('example.org', 0, 1, '2037-12-31 00:00:00'),
    ('off.example', 0, 0, '2037-12-31 00:00:00'), ('backup.example', 1, 1, '2037-12-31 00:00:00'),
    ('old.example', 0, 1, '2020-12-31 00:00:00');
INSERT INTO alias_domain VALUES ('alias.example', 'example.org', 1);
INSERT INTO mailbox (username, password, domain) VALUES
    ('ada@example.org', '{CRYPT}<<right>>', 'example.org'), ('off@example.org', '{CRYPT}<<right>>', 'example.org'),
    ('in@off.example', '{CRYPT}<<right>>', 'off.example'), ('mx@backup.example', '{CRYPT}<<right>>', 'backup.example'),
    ('nosmtp@example.org', '{CRYPT}<<right>>', 'example.org'), ('noimap@example.org', '{CRYPT}<<right>>', 'example.org'),
    ('nopop3@example.org', '{CRYPT}<<right>>', 'example.org'), ('nosieve@example.org', '{CRYPT}<<right>>', 'example.org'),
    ('plain@example.org', '{CRYPT}<<right>>', 'example.org'), ('nets@example.org', '{CRYPT}<<right>>', 'example.org'),
    ('late@example.org', '{CRYPT}<<right>>', 'example.org'), ('in@old.example', '{CRYPT}<<right>>', 'old.example'),
    ('lock@example.org', '', 'example.org'), ('alias.example@example.org', '{CRYPT}<<right>>', 'example.org'),
    ('both@old.example', '{CRYPT}<<right>>', 'old.example');
UPDATE mailbox SET active = 0 WHERE username = 'off@example.org';
UPDATE mailbox SET enablesmtpsecured = 0 WHERE username = 'nosmtp@example.org';
UPDATE mailbox SET enableimapsecured = 0 WHERE username = 'noimap@example.org';
UPDATE mailbox SET enablepop3secured = 0 WHERE username = 'nopop3@example.org';
UPDATE mailbox SET enablesievesecured = 0 WHERE username = 'nosieve@example.org';
UPDATE mailbox SET enableimap = 0 WHERE username = 'plain@example.org';
UPDATE mailbox SET allow_nets = '192.0.2.0/24,2001:db8::1' WHERE username = 'nets@example.org';
UPDATE mailbox SET expired = '2020-01-01 00:00:00' WHERE username = 'late@example.org';
