CREATE TABLE passwd (id VARCHAR(128) NOT NULL[unique], crypt VARCHAR(128) DEFAULT '', clear VARCHAR(128) DEFAULT '',
    name VARCHAR(128) DEFAULT '', uid INT DEFAULT 65534, gid INT DEFAULT 65534, home VARCHAR(255) DEFAULT '',
[mysql]    options VARCHAR(255) NOT NULL DEFAULT '',
[sqlite]    options TEXT,
    maildir VARCHAR(255) DEFAULT '', quota VARCHAR(255) DEFAULT '');
INSERT INTO passwd (id, crypt, clear) VALUES ('ada@example.org', '<<right>>', ''), ('clear@example.org', '', 'right'),
    ('both@example.org', '<<right>>', 'other'), ('none@example.org', '', ''), ('null@example.org', NULL, NULL);
[mysql sqlite]INSERT INTO passwd (id, crypt, options) VALUES ('noimap@example.org', '<<right>>', 'disableimap=1,sharedgroup=x'),
[mysql sqlite]    ('nopop3@example.org', '<<right>>', 'disablewebmail=1,disablepop3=1'), ('yes@example.org', '<<right>>', 'disableimap=0');
[mysql]INSERT INTO passwd (id, crypt) VALUES ('twin@example.org', '<<right>>'), ('twin@example.org', '<<other>>');
