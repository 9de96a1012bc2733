/* sasl_plugin/auxprop.c - libsasl2's auxprop plugin "claviger": what is stored, asked of clavigerd
 *
 *   auxprop_plugin: claviger
 *   claviger_socket: /run/claviger/auxprop
 *   claviger_timeout: 9                    seconds
 *   claviger_daemon_user: claviger         who may serve that socket, besides root and ourselves
 *
 * A mechanism of libsasl2 asks for properties of a login. What it can do without the password itself
 * it does without; who is nobody has values that no proof fits. It is a guest in somebody else's process: it keeps nothing between calls, starts
 * no thread, reads no environment, touches no signal, and leaves errno as it was. An answer that it
 * could not get is SASL_UNAVAIL, never "no such user".
 */
#include "sasl_plugin/daemon.h"

#include <errno.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>

int sasl_auxprop_plug_init(const sasl_utils_t *utils, int max_version, int *out_version,
                           sasl_auxprop_plug_t **plug, const char *plugname);

#define SOCKET_DEFAULT "/run/claviger/auxprop"
/* clavigerd answers within 8 s at most, whatever its deadline is set to. */
#define TIMEOUT_DEFAULT_S 9
#define TIMEOUT_MAX_S 60

/* What mechanisms ask for; each name stands behind a "*": of the authentication identity. */
static const struct { enum auxprop_wire_kind kind; const char *property; } properties[] = {
    { AUXPROP_WIRE_PLAINTEXT,     "*userPassword" },
    { AUXPROP_WIRE_CRAM_MD5,      "*cmusaslsecretCRAM-MD5" },
    { AUXPROP_WIRE_SCRAM_SHA_1,   "*authPassword" },
    { AUXPROP_WIRE_SCRAM_SHA_256, "*authPassword" },
};
#define PROPERTIES (sizeof properties / sizeof properties[0])

/* --- options -------------------------------------------------------------------------- */

static const char *
option(const sasl_utils_t *utils, const char *name)
{
    const char *value = NULL;

    if (utils->getopt(utils->getopt_context, "claviger", name, &value, NULL) != SASL_OK)
        return NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static struct daemon_place
place_of(const sasl_utils_t *utils)
{
    const char *path = option(utils, "claviger_socket");
    const char *timeout = option(utils, "claviger_timeout");
    const long seconds = timeout != NULL ? strtol(timeout, NULL, 10) : TIMEOUT_DEFAULT_S;

    return (struct daemon_place){
        .path = path != NULL ? path : SOCKET_DEFAULT, .user = option(utils, "claviger_daemon_user"),
        .timeout_ms = 1000 * (seconds >= 1 && seconds <= TIMEOUT_MAX_S ? seconds
                                                                        : TIMEOUT_DEFAULT_S),
    };
}

/* --- what is asked for ------------------------------------------------------------------ */

/* Whether it is asked for and, unless it may be replaced, not there already. */
static bool
is_wanted(const struct propval *asked, const char *property, unsigned flags)
{
    for (; asked != NULL && asked->name != NULL; asked++)
        if (strcmp(asked->name, property) == 0)
            return asked->values == NULL || (flags & SASL_AUXPROP_OVERRIDE) != 0;
    return false;
}

/* The kinds; 0: nothing is wanted that we could have. */
static unsigned
find_wanted(sasl_server_params_t *sparams, unsigned flags)
{
    const struct propval *asked = sparams->utils->prop_get(sparams->propctx);
    unsigned wants = 0;

    for (size_t i = 0; i < PROPERTIES; i++)
        if (is_wanted(asked, properties[i].property, flags))
            wants |= 1u << properties[i].kind;
    return wants;
}

static struct auxprop_text
text_of(const char *text)
{
    return (struct auxprop_text){ text, text != NULL ? strlen(text) : 0 };
}

static size_t
write_request(const sasl_server_params_t *sparams, unsigned wants, const char *user,
              unsigned user_len, unsigned char out[AUXPROP_WIRE_REQUEST_MAX])
{
    const struct auxprop_request request = {
        .wants = wants, .login = { user, user_len },
        .realm = text_of(memchr(user, '@', user_len) == NULL ? sparams->user_realm : NULL),
        .service = text_of(sparams->service), .remote = text_of(sparams->ipremoteport),
    };

    return auxprop_write_request(&request, out);
}

/* --- giving it --------------------------------------------------------------------------- */

static int
give(sasl_server_params_t *sparams, const struct auxprop_reply *reply, unsigned wants,
     unsigned flags)
{
    const sasl_utils_t *utils = sparams->utils;
    int status = SASL_OK;

    for (size_t i = 0; (flags & SASL_AUXPROP_OVERRIDE) != 0 && i < PROPERTIES; i++)
        if ((wants & 1u << properties[i].kind) != 0)
            utils->prop_erase(sparams->propctx, properties[i].property);
    for (size_t i = 0; status == SASL_OK && i < PROPERTIES; i++) {
        const struct auxprop_text *value = &reply->values[properties[i].kind];

        if ((wants & 1u << properties[i].kind) != 0 && value->ptr != NULL)
            status = utils->prop_set(sparams->propctx, properties[i].property, value->ptr,
                                     (int)value->len);
    }
    return status == SASL_OK ? SASL_OK : SASL_NOMEM;
}

static int
ask(sasl_server_params_t *sparams, const unsigned char *request, size_t len,
    struct daemon_answer *answer)
{
    const sasl_utils_t *utils = sparams->utils;
    const struct daemon_place place = place_of(utils);

    if (!daemon_ask(&place, request, len, answer)) {
        utils->log(utils->conn, SASL_LOG_ERR, "claviger: \"%s\": %s", place.path, answer->reason);
        return SASL_UNAVAIL;
    }
    switch (answer->reply.answer) {
    case AUXPROP_WIRE_FOUND:  return SASL_OK;
    case AUXPROP_WIRE_NOBODY: return SASL_NOUSER;
    default:                  return SASL_UNAVAIL;
    }
}

static int
look_up(sasl_server_params_t *sparams, unsigned flags, const char *user, unsigned user_len)
{
    unsigned char request[AUXPROP_WIRE_REQUEST_MAX];
    struct daemon_answer answer;
    unsigned wants;
    size_t len;
    int status;

    /* Whom to act for has no password, and nothing else is kept here. */
    wants = (flags & SASL_AUXPROP_AUTHZID) != 0 ? 0 : find_wanted(sparams, flags);
    if (wants == 0)
        return SASL_OK;
    len = write_request(sparams, wants, user, user_len, request);
    if (len == 0)
        return SASL_NOUSER;     /* longer than any name */
    status = ask(sparams, request, len, &answer);
    if (status == SASL_OK)
        status = give(sparams, &answer.reply, wants, flags);
    daemon_answer_wipe(&answer);
    return status;
}

static int
claviger_lookup(void *context, sasl_server_params_t *sparams, unsigned flags, const char *user,
                unsigned user_len)
{
    const int error = errno;
    int status;

    (void)context;
    if (sparams == NULL || user == NULL)
        return SASL_BADPARAM;
    status = look_up(sparams, flags, user, user_len);
    errno = error;
    return status;
}

static sasl_auxprop_plug_t plugin = {
    .name = (char *)"claviger", .auxprop_lookup = claviger_lookup,
};

int
sasl_auxprop_plug_init(const sasl_utils_t *utils, int max_version, int *out_version,
                       sasl_auxprop_plug_t **plug, const char *plugname)
{
    (void)plugname;
    if (utils == NULL || out_version == NULL || plug == NULL)
        return SASL_BADPARAM;
    if (max_version < SASL_AUXPROP_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_AUXPROP_PLUG_VERSION;
    *plug = &plugin;
    return SASL_OK;
}
