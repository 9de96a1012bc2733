/* password/latin1.c - the ISO-8859-1 form of a UTF-8 password; see password.h */
#include "password/password.h"

/* U+0080 to U+00FF are C2 or C3 and one byte more in UTF-8. */
bool
password_to_latin1(span utf8, struct secret *out)
{
    bool other = false;

    out->len = 0;
    for (size_t i = 0; i < utf8.len && out->len < sizeof(out->bytes); i++) {
        unsigned char c = utf8.ptr[i];

        if (c >= 0x80) {
            if ((c != 0xc2 && c != 0xc3) || i + 1 == utf8.len || (utf8.ptr[i + 1] & 0xc0) != 0x80)
                return false;
            c = (unsigned char)((c & 3) << 6 | (utf8.ptr[++i] & 0x3f));
            other = true;
        }
        out->bytes[out->len++] = c;
    }
    return other;
}
