CREATE TABLE mail_users (mail_id INT AUTO_INCREMENT PRIMARY KEY, mail_acc VARCHAR(100), mail_pass VARCHAR(255) NOT NULL DEFAULT '_no_',
    mail_type VARCHAR(30), status VARCHAR(255), po_active VARCHAR(3) NOT NULL DEFAULT 'yes', quota BIGINT, mail_addr VARCHAR(191) UNIQUE);
INSERT INTO mail_users (mail_addr, mail_pass, status, po_active) VALUES ('ada@example.org', '<<right>>', 'ok', 'yes'),
    ('off@example.org', '<<right>>', 'disabled', 'yes'), ('nopo@example.org', '<<right>>', 'ok', 'no'), ('change@example.org', '<<right>>', 'tochange', 'yes'),
    ('fwd@example.org', '_no_', 'ok', 'yes');
