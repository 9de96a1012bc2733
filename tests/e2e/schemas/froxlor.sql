CREATE TABLE panel_domains (id INT PRIMARY KEY, domain VARCHAR(255), deactivated TINYINT DEFAULT 0);
CREATE TABLE panel_customers (customerid INT PRIMARY KEY, deactivated TINYINT DEFAULT 0);
CREATE TABLE mail_users (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(255) UNIQUE, username VARCHAR(255), password VARCHAR(128) DEFAULT '',
    password_enc VARCHAR(255), postfix ENUM('Y','N') DEFAULT 'Y', domainid INT, customerid INT, pop3 TINYINT(1) DEFAULT 1, imap TINYINT(1) DEFAULT 1);
INSERT INTO panel_domains VALUES (1, 'example.org', 0), (2, 'off.example', 1);
INSERT INTO panel_customers VALUES (1, 0), (2, 1);
INSERT INTO mail_users (email, username, password_enc, postfix, domainid, customerid, pop3, imap) VALUES
    ('ada@example.org', 'ada@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'Y', 1, 1, 1, 1),
    ('off@example.org', 'off@example.org', '{BLF-CRYPT}<<bcrypt right>>', 'N', 1, 1, 0, 0),
    ('noimap@example.org', 'noimap@example.org', '<<right>>', 'Y', 1, 1, 1, 0),
    ('nopop3@example.org', 'nopop3@example.org', '<<right>>', 'Y', 1, 1, 0, 1),
    ('nosmtp@example.org', 'nosmtp@example.org', '<<right>>', 'N', 1, 1, 1, 1),
    ('in@off.example', 'in@off.example', '<<right>>', 'Y', 2, 1, 1, 1),
    ('cust@example.org', 'cust@example.org', '<<right>>', 'Y', 1, 2, 1, 1),
    ('mail@example.org', 'name@example.org', '<<right>>', 'Y', 1, 1, 1, 1),
    ('t1@example.org', 'twin@example.org', '<<right>>', 'Y', 1, 1, 1, 1),
    ('t2@example.org', 'twin@example.org', '<<other>>', 'Y', 1, 1, 1, 1),
    ('null@example.org', 'null@example.org', NULL, 'Y', 1, 1, 1, 1);
