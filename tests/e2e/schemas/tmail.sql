CREATE TABLE users (id BIGINT PRIMARY KEY, login VARCHAR(255), passwd VARCHAR(255) NOT NULL,
    dove_passwd VARCHAR(255), active CHAR(1) DEFAULT 'Y', auth_relay BOOL DEFAULT FALSE,
    have_mailbox BOOL DEFAULT FALSE, is_catchall BOOL DEFAULT FALSE, mailbox_quota TEXT, home TEXT);
INSERT INTO users (id, login, passwd, dove_passwd, active, auth_relay, have_mailbox) VALUES
    (1, 'ada@example.org', '<<bcrypt right>>', '<<of dovecot>>', 'Y', TRUE, TRUE),
    (2, 'relay', '<<bcrypt right>>', '<<of dovecot>>', 'Y', TRUE, FALSE),
    (3, 'box@example.org', '<<bcrypt right>>', '<<of dovecot>>', 'Y', FALSE, TRUE),
    (4, 'none@example.org', '<<bcrypt right>>', NULL, 'Y', FALSE, FALSE),
    (5, 'off@example.org', '<<bcrypt right>>', '<<of dovecot>>', 'N', TRUE, TRUE),
    (6, 'twin@example.org', '<<bcrypt right>>', '<<of dovecot>>', 'Y', TRUE, TRUE),
    (7, 'twin@example.org', '<<bcrypt other>>', '<<of dovecot>>', 'Y', TRUE, TRUE),
    (8, 'empty@example.org', '', '', 'Y', TRUE, TRUE), (9, 'nobody@example.org', '<<bcrypt right>>', '<<of dovecot>>', NULL, TRUE, TRUE),
    (10, 'null@example.org', '<<bcrypt right>>', '<<of dovecot>>', 'Y', NULL, NULL);
