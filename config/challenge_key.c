/* config/challenge_key.c - see challenge_key.h */
#include "config/challenge_key.h"

#include "common/file.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define MACHINE_ID "/etc/machine-id"

/* What 128 random bits have in hex, as machine-id(5) has it. */
#define KEY_FILE_MIN 32

static unsigned char random_key[AUTH_CHALLENGE_KEY];

static void
draw_key(void)
{
    randombytes_buf(random_key, sizeof(random_key));
}

/* A digest, so that what is made with the key tells nothing of where it is from. */
static void
digest(span bytes, unsigned char out[AUTH_CHALLENGE_KEY])
{
    static const unsigned char purpose[] = "claviger: challenges of nobody";

    crypto_generichash(out, AUTH_CHALLENGE_KEY, bytes.ptr, bytes.len, purpose,
                       sizeof(purpose) - 1);
}

static void
make_of_machine(unsigned char out[AUTH_CHALLENGE_KEY])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct error unheard;
    char *text = NULL;

    pthread_once(&once, draw_key);
    if (file_read_text(MACHINE_ID, 4096, &text, &unheard) == ERROR_NONE
        && span_of(text).len >= KEY_FILE_MIN)
        digest(span_of(text), out);
    else
        digest(span_make(random_key, sizeof(random_key)), out);
    free(text);
}

enum error_code
challenge_key_make(const char *path, unsigned char out[AUTH_CHALLENGE_KEY], struct error *err)
{
    struct secret secret = { .len = 0 };
    enum error_code code = ERROR_NONE;

    if (!path) {
        make_of_machine(out);
        return ERROR_NONE;
    }
    code = file_read_secret(path, &secret, err);
    if (code == ERROR_NONE && secret.len < KEY_FILE_MIN)
        code = error_set(err, ERROR_CONFIG, "%s: a key of fewer than %d characters: make one with "
                         "\"openssl rand -hex 32\"", path, KEY_FILE_MIN);
    if (code == ERROR_NONE)
        digest(secret_get(&secret), out);
    secret_wipe(&secret);
    return code;
}
