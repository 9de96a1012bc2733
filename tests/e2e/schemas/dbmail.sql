CREATE TABLE [prefix]users (user_idnr INTEGER PRIMARY KEY, userid VARCHAR(100) NOT NULL UNIQUE, passwd VARCHAR(130) NOT NULL DEFAULT '',
    encryption_type VARCHAR(20) NOT NULL DEFAULT '', [active]spasswd VARCHAR(130), last_login TIMESTAMP NULL);
INSERT INTO [prefix]users (user_idnr, userid, passwd, encryption_type, spasswd) VALUES (1, 'ada', '<<right>>', 'crypt', 'duress'),
    (2, 'clear', 'right', '', NULL), (3, 'md5', '<<md5crypt right>>', 'md5', NULL), (4, 'off', '<<right>>', 'crypt', NULL),
    (5, 'empty', '', '', NULL), (6, '__public__', '<<right>>', 'crypt', NULL), (7, 'whirl', 'abcdef', 'whirlpool', NULL),
    (11, 'Case@example.org', '<<right>>', 'crypt', NULL), (12, 'sum', 'd27a1f11771200949714b1af99f048a416f5d6f4', 'sha1', NULL),
    (13, 'hex', '7c4f29407893c334a6cb7a87bf045c0d', 'md5', NULL), (8, 'ada@example.org', '<<right>>', 'crypt', NULL), (9, 'mixed@example.org', '<<right>>', 'crypt', NULL);
[pgsql sqlite]INSERT INTO [prefix]users (user_idnr, userid, passwd, encryption_type) VALUES (10, 'Mixed@example.org', '<<other>>', 'crypt');
