CREATE TABLE mail_domain (domain_id INT AUTO_INCREMENT PRIMARY KEY, server_id INT, domain VARCHAR(255), active ENUM('n','y') DEFAULT 'n');
CREATE TABLE mail_user (mailuser_id INT AUTO_INCREMENT PRIMARY KEY, server_id INT DEFAULT 1, email VARCHAR(255), login VARCHAR(255),
    password VARCHAR(255), disableimap ENUM('n','y') DEFAULT 'n', disablepop3 ENUM('n','y') DEFAULT 'n',
    disablesmtp ENUM('n','y') DEFAULT 'n', disablesieve ENUM('n','y') DEFAULT 'n', last_access INT);
INSERT INTO mail_domain (server_id, domain, active) VALUES (1, 'example.org', 'y'), (1, 'off.example', 'n'), (2, 'example.org', 'n');
INSERT INTO mail_user (server_id, email, login, password) VALUES
    (1, 'ada@example.org', 'ada@example.org', '<<right>>'), (1, 'custom@example.org', 'web1_custom', '<<right>>'),
    (1, 'in@off.example', 'in@off.example', '<<right>>'), (1, 'sly@off.example', 'web1_sly', '<<right>>'),
    (2, 'far@example.org', 'far@example.org', '<<right>>'), (1, 'twin@example.org', 'cross@example.org', '<<right>>'),
    (1, 'cross@example.org', 'crossed', '<<right>>'), (1, 'null@example.org', 'null@example.org', NULL),
    (1, 'umlaut@example.org', 'umlaut@example.org', '<<latin1 größe>>');
INSERT INTO mail_user (email, login, password, disableimap, disablepop3, disablesmtp, disablesieve) VALUES
    ('noimap@example.org', 'noimap@example.org', '<<right>>', 'y', 'n', 'n', 'n'),
    ('nopop3@example.org', 'nopop3@example.org', '<<right>>', 'n', 'y', 'n', 'n'),
    ('nosmtp@example.org', 'nosmtp@example.org', '<<right>>', 'n', 'n', 'y', 'n'),
    ('nosieve@example.org', 'nosieve@example.org', '<<right>>', 'n', 'n', 'n', 'y');
