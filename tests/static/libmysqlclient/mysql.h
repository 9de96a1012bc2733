/* tests/static/libmysqlclient/mysql.h - of Oracle's client library what account/ uses of it
 *
 * Debian has MariaDB's library only. These are the declarations of MySQL 8.0's C API as its reference
 * manual has them ("C API Basic Interface", "C API Prepared Statement Interface"), to compile against
 * and never to link: test_libmysqlclient.py.
 */
#ifndef TESTS_STATIC_LIBMYSQLCLIENT_MYSQL_H
#define TESTS_STATIC_LIBMYSQLCLIENT_MYSQL_H

#include <stdbool.h>
#include <stdint.h>

#define MYSQL_NO_DATA 100
#define MYSQL_DATA_TRUNCATED 101

typedef struct NET { int fd; } NET;
typedef struct MYSQL { NET net; char *passwd; } MYSQL;
typedef struct MYSQL_RES MYSQL_RES;
typedef struct MYSQL_STMT MYSQL_STMT;

enum enum_field_types {
    MYSQL_TYPE_TINY = 1, MYSQL_TYPE_SHORT = 2, MYSQL_TYPE_LONG = 3, MYSQL_TYPE_FLOAT = 4, MYSQL_TYPE_DOUBLE = 5,
    MYSQL_TYPE_TIMESTAMP = 7, MYSQL_TYPE_LONGLONG = 8, MYSQL_TYPE_INT24 = 9, MYSQL_TYPE_DATE = 10,
    MYSQL_TYPE_TIME = 11, MYSQL_TYPE_DATETIME = 12, MYSQL_TYPE_YEAR = 13, MYSQL_TYPE_BIT = 16,
    MYSQL_TYPE_BLOB = 252, MYSQL_TYPE_STRING = 254
};

typedef struct MYSQL_FIELD {
    char *name;
    unsigned long length, max_length;
    unsigned int flags, charsetnr;
    enum enum_field_types type;
} MYSQL_FIELD;

typedef struct MYSQL_BIND {
    unsigned long *length;
    bool *is_null;
    void *buffer;
    bool *error;
    unsigned long buffer_length;
    unsigned long length_value;         /* "used if length is 0" */
    enum enum_field_types buffer_type;
    bool is_unsigned;
} MYSQL_BIND;

typedef struct character_set {
    unsigned int number, state;
    const char *csname, *name, *comment, *dir;
    unsigned int mbminlen, mbmaxlen;
} MY_CHARSET_INFO;

enum mysql_option {
    MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_SET_CHARSET_NAME, MYSQL_OPT_LOCAL_INFILE, MYSQL_OPT_PROTOCOL,
    MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT, MYSQL_REPORT_DATA_TRUNCATION,
    MYSQL_OPT_SSL_KEY, MYSQL_OPT_SSL_CERT, MYSQL_OPT_SSL_CA, MYSQL_OPT_SSL_CAPATH,
    MYSQL_ENABLE_CLEARTEXT_PLUGIN, MYSQL_OPT_MAX_ALLOWED_PACKET, MYSQL_OPT_SSL_MODE
};

enum mysql_ssl_mode {
    SSL_MODE_DISABLED = 1, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA,
    SSL_MODE_VERIFY_IDENTITY
};

enum mysql_protocol_type { MYSQL_PROTOCOL_DEFAULT, MYSQL_PROTOCOL_TCP, MYSQL_PROTOCOL_SOCKET };

int mysql_library_init(int argc, char **argv, char **groups);
MYSQL *mysql_init(MYSQL *mysql);
void mysql_close(MYSQL *mysql);
int mysql_options(MYSQL *mysql, enum mysql_option option, const void *argument);
MYSQL *mysql_real_connect(MYSQL *mysql, const char *host, const char *user, const char *password,
                          const char *database, unsigned int port, const char *socket,
                          unsigned long flags);
const char *mysql_get_ssl_cipher(MYSQL *mysql);
int mysql_set_character_set(MYSQL *mysql, const char *name);
void mysql_get_character_set_info(MYSQL *mysql, MY_CHARSET_INFO *out);
int mysql_real_query(MYSQL *mysql, const char *text, unsigned long len);
unsigned int mysql_errno(MYSQL *mysql);
const char *mysql_error(MYSQL *mysql);
const char *mysql_sqlstate(MYSQL *mysql);
void mysql_free_result(MYSQL_RES *result);
MYSQL_FIELD *mysql_fetch_fields(MYSQL_RES *result);

MYSQL_STMT *mysql_stmt_init(MYSQL *mysql);
bool mysql_stmt_close(MYSQL_STMT *stmt);
bool mysql_stmt_free_result(MYSQL_STMT *stmt);
bool mysql_stmt_reset(MYSQL_STMT *stmt);
int mysql_stmt_prepare(MYSQL_STMT *stmt, const char *text, unsigned long len);
int mysql_stmt_execute(MYSQL_STMT *stmt);
int mysql_stmt_fetch(MYSQL_STMT *stmt);
bool mysql_stmt_bind_param(MYSQL_STMT *stmt, MYSQL_BIND *binds);
bool mysql_stmt_bind_result(MYSQL_STMT *stmt, MYSQL_BIND *binds);
MYSQL_RES *mysql_stmt_result_metadata(MYSQL_STMT *stmt);
unsigned long mysql_stmt_param_count(MYSQL_STMT *stmt);
unsigned int mysql_stmt_field_count(MYSQL_STMT *stmt);
uint64_t mysql_stmt_affected_rows(MYSQL_STMT *stmt);
unsigned int mysql_stmt_errno(MYSQL_STMT *stmt);
const char *mysql_stmt_error(MYSQL_STMT *stmt);
const char *mysql_stmt_sqlstate(MYSQL_STMT *stmt);

#endif
