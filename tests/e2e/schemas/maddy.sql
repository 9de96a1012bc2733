[mysql]CREATE TABLE [table] (`key` VARCHAR(255) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL);
[pgsql sqlite]CREATE TABLE [table] ("key" VARCHAR(255) NOT NULL PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO [table] VALUES ('ada@example.org', '<<maddy right>>'), ('other@example.org', '<<maddy other>>');
