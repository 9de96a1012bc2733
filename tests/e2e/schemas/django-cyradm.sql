CREATE TABLE djcyradm_domains (id INTEGER PRIMARY KEY, domain_name VARCHAR(255) UNIQUE, is_alias_domain BOOL);
CREATE TABLE djcyradm_mailusers (id INTEGER PRIMARY KEY, username VARCHAR(255) NOT NULL UNIQUE,
    password VARCHAR(255) NULL, is_active BOOL NOT NULL, domain_id INTEGER REFERENCES djcyradm_domains (id),
    quota INTEGER, email VARCHAR(254), is_main_cyrus_admin BOOL, last_login TIMESTAMP NULL);
INSERT INTO djcyradm_domains VALUES (1, 'example.org', FALSE), (2, 'alias.example', TRUE);
INSERT INTO djcyradm_mailusers (id, username, password, is_active, domain_id, email, is_main_cyrus_admin) VALUES
    (1, 'ada@example.org', '<<right>>', TRUE, 1, 'recovery@example.com', FALSE),
    (2, 'off@example.org', '<<right>>', FALSE, 1, '', FALSE),
    (3, 'null@example.org', NULL, TRUE, 1, '', FALSE),
    (4, 'cyrus', '<<right>>', TRUE, 1, '', TRUE);
