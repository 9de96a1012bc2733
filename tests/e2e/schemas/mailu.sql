CREATE TABLE [user] (email VARCHAR(255) PRIMARY KEY, localpart VARCHAR(80), domain_name VARCHAR(80), password VARCHAR(255) NOT NULL,
    enabled BOOL NOT NULL, enable_imap BOOL NOT NULL, enable_pop BOOL NOT NULL, updated_at DATE NULL);
CREATE TABLE token (id INTEGER PRIMARY KEY, user_email VARCHAR(255), password VARCHAR(255), ip VARCHAR(255), comment VARCHAR(255));
CREATE TABLE alternative (name VARCHAR(80) PRIMARY KEY, domain_name VARCHAR(80));
INSERT INTO alternative VALUES ('alias.example', 'example.org');
INSERT INTO [user] (email, localpart, domain_name, password, enabled, enable_imap, enable_pop) VALUES
    ('ada@example.org', 'ada', 'example.org', '<<right>>', TRUE, TRUE, TRUE),
    ('off@example.org', 'off', 'example.org', '<<right>>', FALSE, TRUE, TRUE),
    ('noimap@example.org', 'noimap', 'example.org', '<<right>>', TRUE, FALSE, TRUE),
    ('nopop@example.org', 'nopop', 'example.org', '<<right>>', TRUE, TRUE, FALSE),
    ('lock@example.org', 'lock', 'example.org', '!', TRUE, TRUE, TRUE);
INSERT INTO token VALUES (1, 'ada@example.org', '<<token 0123456789abcdef0123456789abcdef>>', '', 'laptop'),
    (2, 'ada@example.org', '<<token fedcba9876543210fedcba9876543210>>', '192.0.2.0/24', 'office'),
    (3, 'off@example.org', '<<token 0123456789abcdef0123456789abcdef>>', NULL, 'laptop'),
    (4, 'noimap@example.org', '<<token 0123456789abcdef0123456789abcdef>>', NULL, 'laptop');
