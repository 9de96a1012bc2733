CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, extra,
    privileges TEXT NOT NULL DEFAULT '', quota TEXT NOT NULL DEFAULT '0');
INSERT INTO users (email, password) VALUES ('ada@example.org', '{SHA512-CRYPT}<<right>>'), ('bare@example.org', '<<right>>'),
    ('lock@example.org', '{SHA512-CRYPT}!');
