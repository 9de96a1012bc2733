/* common/base64.c - see base64.h */
#include "common/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A letter's value and VALID; 0: no letter of it. */
#define VALID 0x40u
#define V(n) ((n) | VALID)

static const unsigned char values[256] = {
    ['A'] = V(0),  ['B'] = V(1),  ['C'] = V(2),  ['D'] = V(3),  ['E'] = V(4),  ['F'] = V(5),
    ['G'] = V(6),  ['H'] = V(7),  ['I'] = V(8),  ['J'] = V(9),  ['K'] = V(10), ['L'] = V(11),
    ['M'] = V(12), ['N'] = V(13), ['O'] = V(14), ['P'] = V(15), ['Q'] = V(16), ['R'] = V(17),
    ['S'] = V(18), ['T'] = V(19), ['U'] = V(20), ['V'] = V(21), ['W'] = V(22), ['X'] = V(23),
    ['Y'] = V(24), ['Z'] = V(25), ['a'] = V(26), ['b'] = V(27), ['c'] = V(28), ['d'] = V(29),
    ['e'] = V(30), ['f'] = V(31), ['g'] = V(32), ['h'] = V(33), ['i'] = V(34), ['j'] = V(35),
    ['k'] = V(36), ['l'] = V(37), ['m'] = V(38), ['n'] = V(39), ['o'] = V(40), ['p'] = V(41),
    ['q'] = V(42), ['r'] = V(43), ['s'] = V(44), ['t'] = V(45), ['u'] = V(46), ['v'] = V(47),
    ['w'] = V(48), ['x'] = V(49), ['y'] = V(50), ['z'] = V(51), ['0'] = V(52), ['1'] = V(53),
    ['2'] = V(54), ['3'] = V(55), ['4'] = V(56), ['5'] = V(57), ['6'] = V(58), ['7'] = V(59),
    ['8'] = V(60), ['9'] = V(61), ['+'] = V(62), ['/'] = V(63),
};

/* Three bytes of four letters. What is no letter takes VALID out of *seen. */
static void
decode_group(const unsigned char *in, unsigned char *out, unsigned *seen)
{
    unsigned a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];

    *seen &= a & b & c & d;
    out[0] = (unsigned char)(a << 2 | (b >> 4 & 3));
    out[1] = (unsigned char)(b << 4 | (c >> 2 & 15));
    out[2] = (unsigned char)(c << 6 | (d & 63));
}

/* The last group, which may have one or two "=". False: bits are left over. */
static bool
decode_last(const unsigned char *in, unsigned char *out, size_t *len, unsigned *seen)
{
    unsigned char padded[4] = { in[0], in[1], in[2], in[3] }, bytes[3];
    size_t padding = in[3] != '=' ? 0 : in[2] != '=' ? 1 : 2;

    for (size_t i = 4 - padding; i < 4; i++)
        padded[i] = 'A';
    decode_group(padded, bytes, seen);
    for (size_t i = 0; i < 3 - padding; i++)
        out[i] = bytes[i];
    *len += 3 - padding;
    return padding == 0 || bytes[3 - padding] == 0;
}

bool
base64_decode(span text, unsigned char *out, size_t *len_out)
{
    unsigned seen = VALID;
    size_t len = 0;
    bool is_whole = true;

    *len_out = 0;
    if (text.len % 4 != 0)
        return false;
    for (; text.len > 4; text = span_make(text.ptr + 4, text.len - 4), len += 3)
        decode_group(text.ptr, out + len, &seen);
    if (text.len > 0)
        is_whole = decode_last(text.ptr, out + len, &len, &seen);
    if (!is_whole || !seen)
        return false;
    *len_out = len;
    return true;
}

size_t
base64_encode(span bytes, unsigned char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)bytes.ptr[i] << 16
                       | (left > 1 ? (unsigned)bytes.ptr[i + 1] << 8 : 0)
                       | (left > 2 ? bytes.ptr[i + 2] : 0);

        out[len++] = (unsigned char)letters[group >> 18];
        out[len++] = (unsigned char)letters[group >> 12 & 63];
        out[len++] = left > 1 ? (unsigned char)letters[group >> 6 & 63] : '=';
        out[len++] = left > 2 ? (unsigned char)letters[group & 63] : '=';
    }
    return len;
}
