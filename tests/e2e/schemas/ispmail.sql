CREATE TABLE virtual_domains (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL);
CREATE TABLE virtual_users (id INT AUTO_INCREMENT PRIMARY KEY, domain_id INT NOT NULL, password VARCHAR(150) NOT NULL,
    email VARCHAR(100) NOT NULL UNIQUE, quota BIGINT DEFAULT 0, FOREIGN KEY (domain_id) REFERENCES virtual_domains (id) ON DELETE CASCADE);
INSERT INTO virtual_domains (name) VALUES ('example.org');
INSERT INTO virtual_users (domain_id, password, email) VALUES (1, '{BLF-CRYPT}<<bcrypt right>>', 'ada@example.org'),
    (1, '{SHA256-CRYPT}<<sha256 right>>', 'old@example.org'), (1, '{CRYPT}<<bcrypt right>>', 'cube@example.org'), (1, '', 'lock@example.org');
