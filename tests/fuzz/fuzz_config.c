/* tests/fuzz/fuzz_config.c - any bytes as claviger.conf: refused with a reason, or sane */
#include "tests/unit/config_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = calloc(1, len + 1);
    struct config *config = NULL;
    struct error err;

    if (!text)
        return 0;
    memcpy(text, bytes, len);           /* ends at the first NUL: files with one are refused */
    error_clear(&err);
    config_load_text(TEXT_PATH, text, &config, &err);
    if (config ? insane_value(config) != NULL : err.reason[0] == '\0')
        abort();
    config_free(config);
    free(text);
    return 0;
}
