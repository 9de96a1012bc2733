/* account/driver_sqlite.c - accounts in an SQLite file
 *
 * A session is one sqlite3 handle of one thread, with a prepared statement for each query.
 *
 * The file may be moved away, put back or replaced by another at any time: before each run its
 * device and inode are compared with those that were opened, and a session on a file that is not
 * the one at the path any more is lost. The source then opens it anew, or says that it is missing.
 *
 * The deadline holds for the whole query: the busy handler ends waiting for a lock, the
 * progress handler ends computing. Memory is bounded: rows are given one by one, and no value
 * beyond VALUE_MAX is ever built.
 */
#include "account/driver.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Virtual machine instructions between two looks at the clock: some 20 us. */
#define PROGRESS_STEPS 1000

/* Between two tries for a lock. SQLite's own handler ends at 100 ms, too coarse for a deadline. */
#define LOCK_WAIT_MS 5

/* Bytes of any value that SQLite builds, so that a cell of 64 MiB costs nothing. Far above
 * ACCOUNT_CELL_MAX, because whole rows and definitions of tables have to fit as well. */
#define VALUE_MAX 262144

/* Of a database that is made here: its owner, and the group that the folder gives it. */
#define CREATE_MODE 0640

struct account_session {
    sqlite3 *db;
    char *path;
    dev_t device;
    ino_t inode;
    bool embedded;              /* the source can make the tables itself */
    int64_t deadline_ms;        /* of the query that runs */
    sqlite3_stmt *prepared[ACCOUNT_QUERIES];
    sqlite3_stmt *begin, *commit;           /* of reads that are made together */
    bool is_together, is_looked_at;         /* the file's name, since is_together */
};

static const char *
sqlite_lacks(const struct account_source_config *config)
{
    return config->file && *config->file ? NULL : "file";
}

static bool
is_late(const struct account_session *session)
{
    return clock_now_ms(&clock_system) >= session->deadline_ms;
}

static int
on_progress(void *context)
{
    return is_late(context);
}

static int
on_busy(void *context, int tries)
{
    const struct timespec wait = { 0, LOCK_WAIT_MS * 1000000L };

    (void)tries;
    if (is_late(context))
        return 0;
    nanosleep(&wait, NULL);
    return 1;
}

/* --- what went wrong ---------------------------------------------------------------- */

/* What the library's codes mean here; extended ones go before the plain ones that they refine.
 * What is not in the table is unavailable, in the library's words, on a session that is well. */
static const struct complaint {
    int code;
    enum error_code means;
    bool lost;                  /* the file may be mended: look at it afresh */
    const char *words;          /* NULL: the library's own */
} complaints[] = {
    { SQLITE_INTERRUPT, ERROR_UNAVAILABLE, false, "no answer within the deadline" },
    { SQLITE_BUSY, ERROR_UNAVAILABLE, false, "locked by another program until the deadline" },
    { SQLITE_LOCKED, ERROR_UNAVAILABLE, false, "locked by another program until the deadline" },
    { SQLITE_TOOBIG, ERROR_UNAVAILABLE, false, "a value is longer than any that is read" },
    { SQLITE_CONSTRAINT_UNIQUE, ERROR_REJECTED, false, NULL },
    { SQLITE_CONSTRAINT_PRIMARYKEY, ERROR_REJECTED, false, NULL },
    { SQLITE_READONLY_DIRECTORY, ERROR_UNAVAILABLE, true,
      "its log (-wal, -shm) cannot be made in its folder" },
    { SQLITE_READONLY_ROLLBACK, ERROR_UNAVAILABLE, true,
      "a change was left half made, and only a program that may write can take it back" },
    { SQLITE_READONLY, ERROR_UNAVAILABLE, true, NULL },
    { SQLITE_CANTOPEN, ERROR_UNAVAILABLE, true, NULL },
    { SQLITE_CORRUPT, ERROR_UNAVAILABLE, true, NULL },
    { SQLITE_FULL, ERROR_UNAVAILABLE, true, NULL },
    { SQLITE_IOERR, ERROR_UNAVAILABLE, true, NULL },
    { SQLITE_NOTADB, ERROR_UNAVAILABLE, true, NULL },
};

static const struct complaint *
find_complaint(int code)
{
    static const struct complaint other = { 0, ERROR_UNAVAILABLE, false, NULL };

    for (size_t i = 0; i < COUNT(complaints); i++)
        if (code == complaints[i].code || (code & 0xff) == complaints[i].code)
            return &complaints[i];
    return &other;
}

static enum error_code
fault(struct account_session *session, int code, bool *lost, struct error *err)
{
    const struct complaint *complaint = find_complaint(code);
    const char *said = complaint->words ? complaint->words : sqlite3_errmsg(session->db);
    bool untold = session->embedded && strncmp(said, "no such table", 13) == 0;

    *lost = complaint->lost;
    return error_set(err, complaint->means, "%s: %s (SQLite %d)%s", session->path, said, code,
                     untold ? "; \"clavigerctl user add\" makes the tables" : "");
}

/* --- the file ----------------------------------------------------------------------- */

/* Of a file that cannot be opened; "" where nobody knows one. */
static const char *
way_out(const struct account_session *session, int failure)
{
    if (failure == EACCES)
        return ": may the user that clavigerd runs as read it, and go through its folders?";
    if (failure == ENOENT && session->embedded)
        return "; \"clavigerctl user add\" makes it";
    return failure == ENOENT || failure == ENOTDIR ? ": is \"file\" right?" : "";
}

/* Fills device and inode of what is at the path now. */
static enum error_code
look_at_file(const struct account_session *session, struct stat *out, struct error *err)
{
    if (stat(session->path, out) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot open \"%s\": %s%s", session->path,
                         strerror(errno), way_out(session, errno));
    if (!S_ISREG(out->st_mode))
        return error_set(err, ERROR_UNAVAILABLE, "\"%s\" is no regular file", session->path);
    return ERROR_NONE;
}

/* SQLite would make it readable by everybody. An empty file is an empty database. */
static enum error_code
make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, CREATE_MODE);

    if (fd < 0 && errno != EEXIST)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make \"%s\": %s", path,
                         strerror(errno));
    if (fd >= 0)
        close(fd);
    return ERROR_NONE;
}

/* The file that SQLite holds is still the one at the path. */
static enum error_code
check_file(const struct account_session *session, bool *lost, struct error *err)
{
    struct stat now;

    *lost = true;
    if (look_at_file(session, &now, err) != ERROR_NONE)
        return ERROR_UNAVAILABLE;
    if (now.st_dev != session->device || now.st_ino != session->inode)
        return error_set(err, ERROR_UNAVAILABLE, "%s: was replaced by another file",
                         session->path);
    *lost = false;
    return ERROR_NONE;
}

/* --- a session ---------------------------------------------------------------------- */

static void
sqlite_close(struct account_session *session)
{
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        sqlite3_finalize(session->prepared[i]);
    sqlite3_finalize(session->begin);
    sqlite3_finalize(session->commit);
    sqlite3_close_v2(session->db);
    free(session->path);
    free(session);
}

/* A name in double quotes is never quietly a string; what the file itself defines (views, triggers)
 * is not believed more than a query; and no single value is huge. */
static void
set_up(struct account_session *session)
{
    sqlite3 *db = session->db;

    sqlite3_extended_result_codes(db, 1);
    sqlite3_exec(db, "PRAGMA cache_size=-512", NULL, NULL, NULL);   /* KiB for each thread: leaves
                                                     * of the index are in the system's anyway */
    sqlite3_busy_handler(db, on_busy, session);
    sqlite3_progress_handler(db, PROGRESS_STEPS, on_progress, session);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
#ifdef SQLITE_DBCONFIG_DQS_DML          /* 3.29 */
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
#endif
#ifdef SQLITE_DBCONFIG_TRUSTED_SCHEMA   /* 3.31 */
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
#endif
}

/* Its statistics of memory are one mutex for all connections, taken several times for each query.
 * Too late where the process used the library before: then it stays as it was. */
static void
set_up_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* What was opened is what stat() saw: otherwise the file was changed in between. */
static enum error_code
check_opened(struct account_session *session, struct error *err)
{
    int moved = 0;

    sqlite3_file_control(session->db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        return error_set(err, ERROR_UNAVAILABLE, "%s: was replaced while it was opened",
                         session->path);
    return ERROR_NONE;
}

static enum error_code
open_file(struct account_session *session, enum account_access access, struct error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX
              | (access == ACCOUNT_READS ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    struct stat file;
    enum error_code code = access == ACCOUNT_MAKES ? make_file(session->path, err) : ERROR_NONE;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int result;

    pthread_once(&once, set_up_library);
    if (code == ERROR_NONE)
        code = look_at_file(session, &file, err);
    if (code != ERROR_NONE)
        return code;
    session->device = file.st_dev;
    session->inode = file.st_ino;
    result = sqlite3_open_v2(session->path, &session->db, flags, NULL);
    if (result != SQLITE_OK) {
        int reason = session->db ? sqlite3_system_errno(session->db) : 0;

        return error_set(err, ERROR_UNAVAILABLE, "cannot open \"%s\": %s%s", session->path,
                         reason ? strerror(reason) : sqlite3_errstr(result),
                         way_out(session, reason));
    }
    set_up(session);
    return check_opened(session, err);
}

static enum error_code
sqlite_open(const struct account_source_config *config, const struct account_target *target,
            enum account_access access, int64_t deadline_ms, struct account_session **out,
            struct error *err)
{
    struct account_session *session;
    enum error_code code;

    (void)target;
    *out = NULL;
    if (!sqlite3_threadsafe())
        return error_set(err, ERROR_CONFIG, "this SQLite library is built without threads");
    session = calloc(1, sizeof(*session));
    if (!session)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a session");
    session->path = strdup(config->file);
    session->embedded = config->queries[ACCOUNT_SCHEMA] != NULL;
    session->deadline_ms = deadline_ms;
    code = session->path ? open_file(session, access, err)
                         : error_set(err, ERROR_UNAVAILABLE, "no memory for a session");
    if (code != ERROR_NONE) {
        sqlite_close(session);
        return code;
    }
    *out = session;
    return ERROR_NONE;
}

/* --- a query ------------------------------------------------------------------------ */

/* The statement of a slot, made when it is first asked for. SQLite finds marks of its own in a
 * text (":name", "@name") that are no placeholders of ours: an unbound one would be NULL. */
static enum error_code
prepare(struct account_session *session, const struct account_statement *statement,
        sqlite3_stmt **out, bool *lost, struct error *err)
{
    sqlite3_stmt **slot = &session->prepared[statement->slot];
    int result, marks;

    *out = *slot;
    if (*slot)
        return ERROR_NONE;
    result = sqlite3_prepare_v3(session->db, statement->text, -1, SQLITE_PREPARE_PERSISTENT,
                                slot, NULL);
    if (result != SQLITE_OK)
        return fault(session, result, lost, err);
    marks = sqlite3_bind_parameter_count(*slot);
    if (!*slot || (size_t)marks != statement->parameters) {
        sqlite3_finalize(*slot);
        *slot = NULL;
        return error_set(err, ERROR_CONFIG, "SQLite reads %d parameters where %zu placeholders "
                         "stand: only %%u and the like are parameters", marks,
                         statement->parameters);
    }
    *out = *slot;
    return ERROR_NONE;
}

/* Borrowed, not copied: secrets stay where they are wiped. Empty is not NULL. */
static enum error_code
bind(struct account_session *session, sqlite3_stmt *stmt, const span *parameters, size_t count,
     bool *lost, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = parameters[i].len ? (const char *)parameters[i].ptr : "";
        int result = sqlite3_bind_text64(stmt, (int)i + 1, text, parameters[i].len,
                                         SQLITE_STATIC, SQLITE_UTF8);

        if (result != SQLITE_OK)
            return fault(session, result, lost, err);
    }
    return ERROR_NONE;
}

/* By length, whatever bytes it has; for a BLOB, sqlite3_column_text() gives them as they are. */
static enum error_code
read_cell(sqlite3_stmt *stmt, int i, struct account_cell *out, struct error *err)
{
    int len;

    out->name = sqlite3_column_name(stmt, i);
    out->is_null = sqlite3_column_type(stmt, i) == SQLITE_NULL;
    out->value = span_make(NULL, 0);
    if (!out->name)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a column's name");
    if (out->is_null)
        return ERROR_NONE;
    len = sqlite3_column_bytes(stmt, i);
    if (len > ACCOUNT_CELL_MAX)
        return error_set(err, ERROR_UNAVAILABLE, "column \"%s\" is too long: %d bytes of at "
                         "most %d", out->name, len, ACCOUNT_CELL_MAX);
    out->value = span_make(sqlite3_column_type(stmt, i) == SQLITE_BLOB
                           ? sqlite3_column_blob(stmt, i)
                           : (const void *)sqlite3_column_text(stmt, i), (size_t)len);
    if (len > 0 && !out->value.ptr)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for column \"%s\"", out->name);
    return ERROR_NONE;
}

/* False in *more_out when the reader wants no more. */
static enum error_code
give_row(sqlite3_stmt *stmt, account_row_fn *row, void *context, bool *more_out,
         struct error *err)
{
    struct account_cell cells[ACCOUNT_CELLS_MAX];
    int count = sqlite3_column_count(stmt);

    if (count > ACCOUNT_CELLS_MAX)
        return error_set(err, ERROR_UNAVAILABLE, "%d columns of at most %d", count,
                         ACCOUNT_CELLS_MAX);
    for (int i = 0; i < count; i++) {
        enum error_code code = read_cell(stmt, i, &cells[i], err);

        if (code != ERROR_NONE)
            return code;
    }
    *more_out = row(context, cells, (size_t)count);
    return ERROR_NONE;
}

static enum error_code
step_through(struct account_session *session, sqlite3_stmt *stmt, account_row_fn *row,
             void *context, bool *lost, struct error *err)
{
    bool more = true;

    while (more) {
        int result = sqlite3_step(stmt);
        enum error_code code;

        if (result == SQLITE_DONE)
            return ERROR_NONE;
        if (result != SQLITE_ROW)
            return fault(session, result, lost, err);
        if (is_late(session))
            return fault(session, SQLITE_INTERRUPT, lost, err);
        code = row ? give_row(stmt, row, context, &more, err) : ERROR_NONE;
        if (code != ERROR_NONE)
            return code;
    }
    return ERROR_NONE;
}

static enum error_code
run_statement(struct account_session *session, const struct account_statement *statement,
              const span *parameters, account_row_fn *row, void *context, size_t *changed_out,
              bool *lost, struct error *err)
{
    sqlite3_stmt *stmt;
    enum error_code code = prepare(session, statement, &stmt, lost, err);

    if (code != ERROR_NONE)
        return code;
    code = bind(session, stmt, parameters, statement->parameters, lost, err);
    if (code == ERROR_NONE)
        code = step_through(session, stmt, row, context, lost, err);
    if (code == ERROR_NONE && changed_out && !sqlite3_stmt_readonly(stmt))
        *changed_out = (size_t)sqlite3_changes(session->db);
    sqlite3_reset(stmt);                /* gives back the lock */
    sqlite3_clear_bindings(stmt);       /* lets go of what was borrowed */
    return code;
}

/* All of the script or nothing. */
static enum error_code
run_script(struct account_session *session, const struct account_statement *statement,
           bool *lost, struct error *err)
{
    enum error_code code = ERROR_NONE;
    int result = sqlite3_exec(session->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_exec(session->db, statement->text, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_exec(session->db, "COMMIT", NULL, NULL, NULL);
    if (result != SQLITE_OK)
        code = fault(session, result, lost, err);
    if (!sqlite3_get_autocommit(session->db)) {
        session->deadline_ms = INT64_MAX;       /* taking back is short, and has to end */
        sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}

static enum error_code
sqlite_run(struct account_session *session, const struct account_statement *statement,
           const span *parameters, int64_t deadline_ms, account_row_fn *row, void *context,
           size_t *changed_out, bool *lost, struct error *err)
{
    enum error_code code;

    *lost = false;
    if (changed_out)
        *changed_out = 0;
    session->deadline_ms = deadline_ms;
    if (is_late(session))
        return fault(session, SQLITE_INTERRUPT, lost, err);
    code = session->is_looked_at ? ERROR_NONE : check_file(session, lost, err);
    if (code != ERROR_NONE)
        return code;
    session->is_looked_at = session->is_together;
    if (statement->script)
        return run_script(session, statement, lost, err);
    return run_statement(session, statement, parameters, row, context, changed_out, lost, err);
}

static bool
run_once(sqlite3 *db, sqlite3_stmt **prepared, const char *text)
{
    bool is_done;

    if (!*prepared
        && sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, prepared, NULL) != SQLITE_OK)
        return false;
    is_done = sqlite3_step(*prepared) == SQLITE_DONE;
    sqlite3_reset(*prepared);
    return is_done;
}

/* One lock of the file and one look at its name, for all of them. BEGIN locks nothing, the first read does. */
static void
sqlite_together(struct account_session *session, bool on)
{
    session->is_looked_at = false;
    session->is_together = on && run_once(session->db, &session->begin, "BEGIN");
    if (!on && !sqlite3_get_autocommit(session->db)
        && !run_once(session->db, &session->commit, "COMMIT"))
        sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum error_code
sqlite_step(struct account_session *session, enum account_step step, int64_t deadline_ms,
            bool *lost, struct error *err)
{
    static const char *const texts[] = {
        [ACCOUNT_BEGIN] = "BEGIN IMMEDIATE", [ACCOUNT_COMMIT] = "COMMIT",
        [ACCOUNT_ROLLBACK] = "ROLLBACK",
    };
    enum error_code code;
    int result;

    *lost = false;
    session->deadline_ms = step == ACCOUNT_ROLLBACK ? INT64_MAX : deadline_ms;
    code = step == ACCOUNT_BEGIN ? check_file(session, lost, err) : ERROR_NONE;
    if (code != ERROR_NONE)
        return code;
    result = sqlite3_exec(session->db, texts[step], NULL, NULL, NULL);
    return result == SQLITE_OK ? ERROR_NONE : fault(session, result, lost, err);
}

/* A statement that SQLite cannot prepare, on a file that is well, does not fit the tables. */
static enum error_code
sqlite_check(struct account_session *session, const struct account_statement *statement,
             int64_t deadline_ms, bool *lost, struct error *err)
{
    sqlite3_stmt *stmt;
    enum error_code code;

    session->deadline_ms = deadline_ms;
    code = check_file(session, lost, err);
    if (code != ERROR_NONE)
        return code;
    code = prepare(session, statement, &stmt, lost, err);
    if (code == ERROR_NONE || *lost || is_late(session))
        return code;
    return sqlite3_errcode(session->db) == SQLITE_ERROR ? err->code = ERROR_CONFIG : code;
}

/* The one name that the file exports: see ACCOUNT_DRIVER_SYMBOL. */
extern const struct account_driver account_driver;

const struct account_driver account_driver = {
    .abi = ACCOUNT_DRIVER_ABI,
    .name = "sqlite",
    .engine = "sqlite",
    .library = "SQLite " SQLITE_VERSION,
    .mark = ACCOUNT_MARK_QUESTION,
    .lacks = sqlite_lacks,
    .open = sqlite_open,
    .close = sqlite_close,
    .run = sqlite_run,
    .step = sqlite_step,
    .together = sqlite_together,
    .check = sqlite_check,
};
