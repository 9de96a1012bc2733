/* tests/unit/test_common_base64.c - base64: RFC 4648's own examples, and what is none */
#include "common/base64.h"
#include "common/macros.h"
#include "common/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <string.h>

/* RFC 4648, section 10. */
static const struct { span bytes; const char *text; } examples[] = {
    { SPAN(""),       "" },
    { SPAN("f"),      "Zg==" },
    { SPAN("fo"),     "Zm8=" },
    { SPAN("foo"),    "Zm9v" },
    { SPAN("foob"),   "Zm9vYg==" },
    { SPAN("fooba"),  "Zm9vYmE=" },
    { SPAN("foobar"), "Zm9vYmFy" },
    { SPAN("\xff\xef\xbe"), "/+++" },
};

static void
the_examples_of_the_RFC_go_both_ways(void **state)
{
    unsigned char out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        assert_int_equal(base64_encode(examples[i].bytes, out), strlen(examples[i].text));
        assert_memory_equal(out, examples[i].text, strlen(examples[i].text));
        assert_true(base64_decode(span_of(examples[i].text), out, &len));
        assert_true(span_equal(span_make(out, len), examples[i].bytes));
    }
}

static const char *const wrong[] = {
    "Z", "Zg", "Zg=", "=", "==", "===", "====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zh==", "Zm9=", "Zg=g", "Z=g=",
    "Zg==\n", " Zg==", "Zm 8", "Zm8-", "Zm8_", "Zm8\x80", ("Zm\xff" "8"), "Zg==x", "Zm9v=", "Zm9v====",
};

static void
what_is_not_exactly_so_is_refused(void **state)
{
    unsigned char out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (base64_decode(span_of(wrong[i]), out, &len) || len != 0)
            fail_msg("taken: %s", wrong[i]);
}

/* What libsodium says, which is another's. */
static void
for_any_text_it_says_what_libsodium_says(void **state)
{
    static const char some[] = "ABQZagz059+/=- \n";
    uint64_t random = 1;

    (void)state;
    for (int turn = 0; turn < 200000; turn++) {
        unsigned char ours[16], theirs[16];
        size_t ours_len, theirs_len = 0;
        char text[13];
        size_t len = next_random(&random) % sizeof(text);
        bool is_one;

        for (size_t i = 0; i < len; i++)
            text[i] = some[next_random(&random) % (turn % 2 ? 12 : sizeof(some) - 1)];
        if (turn % 3 == 0 && len > 1)
            text[len - 1] = '=';
        is_one = sodium_base642bin(theirs, sizeof(theirs), text, len, NULL, &theirs_len, NULL,
                                   sodium_base64_VARIANT_ORIGINAL) == 0;
        assert_int_equal(base64_decode(span_make(text, len), ours, &ours_len), is_one);
        if (is_one)
            assert_true(span_equal(span_make(ours, ours_len), span_make(theirs, theirs_len)));
    }
}

static void
any_bytes_come_back(void **state)
{
    unsigned char bytes[300], text[BASE64_ENCODED(sizeof(bytes))], back[sizeof(bytes)];
    uint64_t random = 2;
    size_t len;

    (void)state;
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)next_random(&random);
        assert_int_equal(base64_encode(span_make(bytes, size), text), BASE64_ENCODED(size));
        assert_true(base64_decode(span_make(text, BASE64_ENCODED(size)), back, &len));
        assert_int_equal(len, size);
        assert_memory_equal(back, bytes, size);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_RFC_go_both_ways),
        cmocka_unit_test(what_is_not_exactly_so_is_refused),
        cmocka_unit_test(for_any_text_it_says_what_libsodium_says),
        cmocka_unit_test(any_bytes_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
