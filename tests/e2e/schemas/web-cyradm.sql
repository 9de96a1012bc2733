[mysql]CREATE TABLE accountuser (username VARCHAR(255) BINARY NOT NULL UNIQUE, password VARCHAR([width]) BINARY NOT NULL DEFAULT '',
[pgsql]CREATE TABLE accountuser (username VARCHAR(255) NOT NULL UNIQUE, password VARCHAR([width]) NOT NULL DEFAULT '',
    prefix VARCHAR(50) NOT NULL DEFAULT '', domain_name VARCHAR(255) NOT NULL DEFAULT '', imap INT NOT NULL DEFAULT 1,
    pop INT NOT NULL DEFAULT 1, sieve INT NOT NULL DEFAULT 1, smtpauth INT NOT NULL DEFAULT 1);
[mysql]CREATE TABLE log (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, msg TEXT NOT NULL, user VARCHAR(255) NOT NULL DEFAULT '', time DATETIME NOT NULL,
[pgsql]CREATE TABLE log (id SERIAL PRIMARY KEY, msg TEXT NOT NULL, "user" VARCHAR(255) NOT NULL DEFAULT '', time TIMESTAMP NOT NULL,
    host VARCHAR(255) NOT NULL DEFAULT '', pid VARCHAR(255) NOT NULL DEFAULT '');
INSERT INTO accountuser (username, password, imap, pop, sieve, smtpauth) VALUES ('test0001', '<<des right>>', 1, 1, 1, 1),
    ('cyrus', '<<des right>>', 1, 1, 1, 1), ('ada@example.org', '<<des right>>', 1, 1, 1, 1), ('noimap', '<<des right>>', 0, 1, 1, 1),
    ('nopop', '<<des right>>', 1, 0, 1, 1), ('nosieve', '<<des right>>', 1, 1, 0, 1), ('nosmtp', '<<des right>>', 1, 1, 1, 0),
    ('off', '<<des right>>', 0, 0, 0, 0), ('lock', '', 1, 1, 1, 1);
