CREATE TABLE vpopmail (pw_name VARCHAR(64) NOT NULL, pw_domain VARCHAR(96) NOT NULL, pw_passwd VARCHAR(128), pw_uid INT,
    pw_gid INT, pw_gecos VARCHAR(48), pw_dir VARCHAR(160), pw_shell VARCHAR(20), PRIMARY KEY (pw_name, pw_domain));
[mysql]CREATE TABLE limits (domain VARCHAR(96) PRIMARY KEY, disable_pop TINYINT DEFAULT 0, disable_imap TINYINT DEFAULT 0, disable_smtp TINYINT DEFAULT 0);
[mysql]CREATE TABLE aliasdomains (alias VARCHAR(96) PRIMARY KEY, domain VARCHAR(96));
[mysql]CREATE TABLE lastauth (user VARCHAR(64), domain VARCHAR(96), remote_ip VARCHAR(46), timestamp BIGINT, PRIMARY KEY (user, domain));
[mysql]INSERT INTO limits (domain, disable_imap) VALUES ('limited.example', 1);
[mysql]INSERT INTO aliasdomains VALUES ('alias.example', 'example.org');
INSERT INTO vpopmail (pw_name, pw_domain, pw_passwd, pw_uid, pw_gid) VALUES ('ada', 'example.org', '<<right>>', 0, 0),
    ('nopop3', 'example.org', '<<right>>', 0, 2), ('noimap', 'example.org', '<<right>>', 0, 8), ('nosmtp', 'example.org', '<<right>>', 0, 2048),
    ('off', 'example.org', '<<right>>', 0, 2062), ('null', 'example.org', NULL, 0, 0), ('in', 'limited.example', '<<right>>', 0, 0),
    ('free', 'limited.example', '<<right>>', 0, 8192);
