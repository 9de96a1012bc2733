/* account/source_parts.h - what a source is made of, for source.c, connection.c and their tests */
#ifndef ACCOUNT_SOURCE_PARTS_H
#define ACCOUNT_SOURCE_PARTS_H

#include "account/driver.h"
#include "account/hosts.h"
#include "account/query.h"
#include "account/source.h"

struct account_source {
    struct account_source_config config;        /* all strings are ours; `queries` as they were
                                                 * chosen, so that a driver sees what there is */
    struct account_source_config write_config;  /* the same with the write account for user and
                                                 * password_file; owns nothing */
    char *origin;
    bool latin1;                                /* the preset's encoding */
    void *library;                              /* the driver's file; NULL: it is linked in */
    const struct account_driver *driver;
    struct hosts *hosts;                        /* NULL: the driver has no servers */
    struct hosts *write_hosts;                  /* the same servers; apart, so that a write account
                                                 * that is refused keeps no reader out */
    struct query queries[ACCOUNT_QUERIES];
};

/* account_source_new() with a driver that is there already. */
enum error_code source_new_on(const struct account_source_config *config,
                              const char *preset_dir, const struct account_driver *driver,
                              struct account_source **out, struct error *err);

#endif
