CREATE TABLE domain (id BIGINT PRIMARY KEY, domain VARCHAR(255), active TINYINT(1) DEFAULT 0);
CREATE TABLE mailbox (id BIGINT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(255), password VARCHAR(255), local_part VARCHAR(255), Domain_id BIGINT,
    active TINYINT(1) DEFAULT 0, access_restriction VARCHAR(100) DEFAULT 'ALL', delete_pending TINYINT(1), created DATETIME, modified DATETIME);
INSERT INTO domain VALUES (1, 'example.org', 1), (2, 'off.example', 0);
INSERT INTO mailbox (username, password, Domain_id, active, access_restriction, delete_pending) VALUES
    ('ada@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'ALL', NULL), ('off@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 0, 'ALL', 0),
    ('in@off.example', '{BLF-CRYPT}<<bcrypt right>>', 2, 1, 'ALL', 0), ('gone@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'ALL', 1),
    ('imap@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'IMAP', 0), ('two@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'SMTP,POP3', 0),
    ('twin@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'ALL', 0), ('twin@example.org', '{BLF-CRYPT}<<bcrypt other>>', 1, 1, 'ALL', 0),
    ('null@example.org', NULL, 1, 1, 'ALL', 0), ('lower@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, 'imap,sieve', 0),
    ('none@example.org', '{BLF-CRYPT}<<bcrypt right>>', 1, 1, NULL, 0);
