CREATE TABLE domains (domain_id INTEGER PRIMARY KEY, domain VARCHAR(255) UNIQUE, enabled SMALLINT NOT NULL DEFAULT 1);
CREATE TABLE domainalias (alias VARCHAR(255) PRIMARY KEY, domain_id INTEGER);
CREATE TABLE users (user_id INTEGER PRIMARY KEY, domain_id INTEGER, localpart VARCHAR(64), username VARCHAR(255), crypt VARCHAR(255),
    type VARCHAR(8) NOT NULL DEFAULT 'local', enabled SMALLINT NOT NULL DEFAULT 1, UNIQUE (localpart, domain_id));
INSERT INTO domains VALUES (1, 'example.org', 1), (2, 'off.example', 0);
INSERT INTO domainalias VALUES ('alias.example', 1);
INSERT INTO users VALUES (1, 1, 'ada', 'ada@example.org', '<<right>>', 'local', 1), (2, 1, 'off', 'off@example.org', '<<right>>', 'local', 0),
    (3, 2, 'in', 'in@off.example', '<<right>>', 'local', 1), (4, 1, 'pipe', 'pipe@example.org', '<<right>>', 'piped', 1),
    (5, 1, 'alias', 'alias@example.org', '<<right>>', 'alias', 1), (6, 1, 'fail', 'fail@example.org', '<<right>>', 'fail', 1),
    (7, 1, 'catch', 'catch@example.org', '<<right>>', 'catch', 1), (8, 1, 'null', 'null@example.org', NULL, 'local', 1),
    (9, 1, 'siteadmin', 'siteadmin', '<<right>>', 'site', 1), (10, 1, 'example.org', 'example.org@example.org', '<<right>>', 'local', 1),
    (11, 1, 'admin', 'admin@example.org', '<<right>>', 'admin', 1), (12, 2, 'off', 'off@off.example', '<<right>>', 'local', 0);
