/* tests/unit/test_config_errors.c - what is wrong in claviger.conf is told with its line */
#include "tests/unit/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#define L "listen \"cyrus\" {\n protocol = saslauthd\n path = \"/run/mux\"\n"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct row { int line; const char *reason, *text; } rows[] = {
    /* keys and sections that are not there */
    { 1, "unknown section \"acounts\": did you mean \"accounts\"?", "acounts \"a\" { }" },
    { 2, "unknown section \"zzzzzz\"", "\nzzzzzz { }" },
    { 1, "\"ttl\" belongs in a section, such as cache", "ttl = \"8h\"" },
    { 3, "listen has no key \"pth\": did you mean \"path\"?", "listen \"x\" {\n protocol = pam\n pth = \"/a\"\n}" },
    { 2, "listen has no key \"Path\": did you mean \"path\"?", "listen \"x\" {\n Path = \"/a\"\n}" },
    { 2, "daemon has no key \"ttl\": it belongs to the section \"cache\"", "daemon {\n ttl = \"8h\" }" },
    { 2, "cache has no key \"zzzzzz\"", "cache {\n zzzzzz = 1 }" },
    { 2, "\"include\" stands outside of sections", "cache {\n include(\"a\")\n}" },
    { 2, "accounts has no key \"lookupp\": did you mean \"lookup\"?", "accounts \"a\" {\n lookupp = \"SELECT\" }" },
    /* what lines are counted through */
    { 6, "no key \"x\"", "# one\n// two\n/* three\n four */ cache {\n ttl = \"1h\" # five\n x = 1 }" },
    { 4, "no key \"x\"", "accounts \"a\" { lookup = \"SELECT\n 1\n\"\n x = 1 }" },
    { 3, "no key \"x\"", "cache { ttl = \"1\\\nh\"\n x = 1 }" },
    { 3, "no key \"x\"", "\xef\xbb\xbf" "cache {\r\n ttl = \"1h\"\r\n x = 1 }\r\n" },
    /* sections */
    { 4, "listen \"cyrus\" lacks the key \"protocol\"", "\n\n\nlisten \"cyrus\" {\n path = \"/a\"\n}\n" },
    { 2, "listen \"cyrus\": lacks the key \"path\"", "\nlisten \"cyrus\" {\n protocol = pam\n}" },
    { 1, "listen \"x\" lacks", "listen \"x\" { }" },
    { 1, "accounts \"a\": neither \"preset\" nor a query \"lookup\"", "accounts \"a\" {\n list = \"SELECT 1\"\n}" },
    { 3, "there is a section \"cache\" already", "cache { ttl = \"1h\" }\n\ncache {\n entries = 1 }" },
    { 2, "there is a section \"daemon\" already", "daemon { }\ndaemon { }" },
    { 5, "there is a section with the title \"cyrus\" already", L "}\nlisten \"cyrus\" { }" },
    { 7, "listen \"b\": listen \"cyrus\" has the path \"/run/mux\" already", L "}\nlisten \"b\" {\n protocol = pam\n path = \"/run/mux\"\n}" },
    { 4, "listen \"b\": listen \"a\" has the address \"127.0.0.1:4\" already", "listen \"a\" { protocol = dovecot  address = \"127.0.0.1:4\" }\n"
      "listen \"b\" {\n protocol = dovecot\n address = \"127.0.0.1:4\"\n}" },
    { 1, "\"address\" is for a listener of the protocol \"dovecot\"", "listen \"a\" { protocol = saslauthd  address = \"127.0.0.1:4\" }" },
    { 1, "\"address\" is for a listener without \"path\"", "listen \"a\" { protocol = dovecot  path = \"/a\"  address = \"127.0.0.1:4\" }" },
    { 1, "\"peers\" is for a listener with a \"path\"", "listen \"a\" { protocol = dovecot  address = \"127.0.0.1:4\"  peers = root }" },
    { 1, "\"temporary\" is for a listener of the protocol \"dovecot\"", "listen \"a\" { protocol = pam  path = \"/a\"  temporary = close }" },
    { 1, "\"secured\" is for a listener of the protocol \"dovecot\"", "listen \"a\" { protocol = pam  path = \"/a\"  secured = required }" },
    { 1, "\"mechanisms\" is for a listener of the protocol \"dovecot\"", "listen \"a\" { protocol = pam  path = \"/a\"  mechanisms = { PLAIN } }" },
    { 1, "\"192.0.2.1:12\" is not an address of this machine alone", "listen \"a\" { address = \"192.0.2.1:12\" }" },
    { 1, "is not an address of this machine alone", "listen \"a\" { address = \"localhost:12\" }" },
    { 1, "\"DIGEST-MD5\" is none of \"PLAIN\"", "listen \"a\" { mechanisms = { \"DIGEST-MD5\" } }" },
    { 2, "the service \"pop3\" has a section already", "service \"pop3\" { }\nservice \"POP\" { }" },
    { 1, "the title \"a b\" is not a name", "service \"a b\" { }" },
    { 1, "the title \"a b\" is not a name", "listen \"a b\" { path = \"/a\" }" },
    { 1, "an empty string", "listen \"\" { path = \"/a\" }" },
    { 1, "is not a name", "accounts \"" X50 X50 "\" { }" },
    { 1, "listen needs a title: listen \"NAME\" { ... }", "listen { }" },
    { 1, "after cache comes \"{\"", "cache \"x\" { }" },
    { 1, "no section \"accounts\"", "" },
    { 1, "no section \"accounts\"", ONE_LISTENER },
    { 1, "no section \"listen\"", ONE_SOURCE },
    { 3, "\"ttl\" was given in line 2 already", "cache {\n ttl = \"1h\"\n ttl = \"2h\"\n}" },
    { 3, "\"domains\" was given in line 2 already", "accounts \"a\" {\n domains = { a.org, b.org }\n domains = { c.org } }" },
    { 3, "\"revalidate\" is longer than \"ttl\"", "cache {\n ttl = \"5s\"\n revalidate = \"6s\"\n}" },
    { 1, "\"revalidate\" is longer than \"ttl\"", "cache {\n ttl = \"5s\"\n}" },
    { 2, "daemon: there is no \"user\", and without one \"group\" changes nothing", "daemon {\n group = root\n}" },
    /* lists with nothing in them, where nothing would be everybody */
    { 1, "listen \"cyrus\": peers: an empty list: name at least one, or leave \"peers\" out", L " peers = { } }" },
    { 1, "listen \"cyrus\": peers: an empty list", L " peers = {} }" },
    { 1, "peers: an empty list", L " peers = {\n # nobody\n} }" },
    { 1, "peers: an empty list", L " peers = {}\n peers = {} }" },
    { 1, "listen \"cyrus\": services: an empty list", L " services = { } }" },
    { 1, "mechanisms: an empty list: name at least one", "listen \"a\" { protocol = dovecot  path = \"/a\"  mechanisms = {} }" },
    { 2, "accounts \"a\": domains: an empty list", "\naccounts \"a\" { preset = tmail  domains = {} }" },
    { 1, "hosts: an empty list: name a server", "accounts \"a\" { preset = tmail  hosts = {} }" },
    { 1, "mechanisms: an empty list: write \"none\"", "accounts \"a\" { preset = tmail  mechanisms = {} }" },
    { 1, "password_encodings: an empty list", "accounts \"a\" { preset = tmail  password_encodings = {} }" },
    /* numbers */
    { 2, "daemon: threads: \"-1\" is not a whole number", "daemon {\n threads = -1 }" },
    { 1, "\"1x\" is not a whole number", "daemon { threads = 1x }" },
    { 1, "\"0x10\" is not a whole number", "daemon { threads = 0x10 }" },
    { 1, "\"010\" is not a whole number", "daemon { threads = 010 }" },
    { 2, "an empty string: there is nothing that it could mean", "daemon {\n threads = \"\" }" },
    { 2, "an empty string", "daemon {\n '' }" },
    { 2, "threads: \"\" is not a whole number", "daemon { threads = \"\\\n\" }" },
    { 1, "\" 1\" is not a whole number", "daemon { threads = \" 1\" }" },
    { 1, "1025 is too large: it takes 0 to 1024", "daemon { threads = 1025 }" },
    { 1, "is not a whole number", "daemon { threads = 18446744073709551616 }" },
    { 1, "0 is too small: it takes 1 to 1000000", "daemon { queue = 0 }" },
    { 1, "0 is too small: it takes 1 to 256", "accounts \"a\" { connections = 0 }" },
    { 1, "password: bcrypt_cost: 32 is too large: it takes 4 to 31", "password { bcrypt_cost = 32 }" },
    { 1, "4097 is too large", "password { max_length = 4097 }" },
    { 1, "999 is too small: it takes 1000 to 999999999", "password { sha_rounds = 999 }" },
    /* durations and sizes */
    { 1, "\"10\" is not a duration", "cache { ttl = 10 }" },
    { 1, "\"10 s\" is not a duration", "cache { ttl = \"10 s\" }" },
    { 1, "\"10q\" is not a duration such as", "cache { ttl = \"10q\" }" },
    { 1, "\"1.5h\" is not a duration", "cache { ttl = \"1.5h\" }" },
    { 1, "\"-5s\" is not a duration", "cache { ttl = -5s }" },
    { 1, "\"s\" is not a duration", "cache { ttl = s }" },
    { 1, "\"213503982335d\" is not a duration", "cache { ttl = 213503982335d }" },
    { 1, "31d is too large: it takes 1s to 30d", "cache { ttl = 31d }" },
    { 1, "999ms is too small: it takes 1s to 8s", "daemon { deadline = 999ms }" },
    { 1, "9s is too large: it takes 1s to 8s", "daemon { deadline = \"9s\" }" },
    { 1, "\"SCRYPT7\" is only verified", "password { rehash = SCRYPT7 }" },
    { 1, "rehash", "password { rehash = \"NO-SUCH\" }" },
    { 2, "\"{SCRYPT7}\" is only verified",
      "accounts \"b\" { preset = \"tmail\"\n rehash_scheme = \"{SCRYPT7}\" }" },
    { 2, "without \"write_user\"",
      "accounts \"b\" { preset = \"tmail\"\n write_password_file = \"/etc/w\" }" },
    { 1, "\"memory_budget\" is less than \"max_memory\"",
      "password { max_memory = 2G  memory_budget = 1G }" },
    { 1, "did you mean \"SSHA512\"?", "password { refuse_schemes = { SSHA51 } }" },
    { 1, "\"CRYPT\" is not a scheme's name", "password { refuse_schemes = { CRYPT } }" },
    { 1, "\"1T\" is not a size", "password { max_memory = 1T }" },
    { 1, "\"512m\" is not a size", "password { max_memory = 512m }" },
    { 1, "1K is too small: it takes 1M to 64G", "password { max_memory = 1K }" },
    /* words and modes */
    { 1, "\"saslauth\" is none of \"saslauthd\", \"dovecot\", \"pam\", \"auxprop\", \"control\": did you mean \"saslauthd\"?", "listen \"x\" { protocol = saslauth }" },
    { 1, "\"zzzzzz\" is none of", "listen \"x\" { protocol = zzzzzz }" },
    { 1, "identity: case: \"Lower\" is none of \"lower\", \"keep\": did you mean \"lower\"?", "identity { case = Lower }" },
    { 1, "\"192.0.2.0/33\" is not an address or a network", "throttle { trusted_nets = { \"192.0.2.0/33\" } }" },
    { 1, "\"10.0.0.1 10.0.0.2\" is not an address or a network", "throttle { trusted_nets = \"10.0.0.1 10.0.0.2\" }" },
    { 1, "throttle: delay: 5s is too", "throttle { delay = 5s }" },
    { 1, "did you mean \"true\"?", "accounts \"a\" { alias = tru }" },
    { 1, "did you mean \"info\"?", "daemon { log_level = inf }" },
    { 1, "\"0888\" is not an octal mode", "listen \"x\" { mode = 0888 }" },
    { 1, "\"1777\" is not an octal mode", "listen \"x\" { mode = 1777 }" },
    { 1, "\"00660\" is not an octal mode", "listen \"x\" { mode = 00660 }" },
    { 1, "\"-1\" is not an octal mode", "listen \"x\" { mode = -1 }" },
    /* texts */
    { 1, "listen \"x\": path: \"mux\" does not begin with \"/\"", "listen \"x\" { path = \"mux\" }" },
    { 2, "path: empty: it takes the absolute path of a socket", "listen \"x\" { path = \"\\\n\" }" },
    { 1, "\"/run/\" is a folder, not a socket", "listen \"x\" { path = \"/run/\" }" },
    { 1, "has at most 107 bytes, this has 108", "listen \"x\" { path = \"/" X50 X50 "xxxxxxx\" }" },
    { 2, "a control character (byte 0a) in it: is a quote missing?", "listen \"x\" { path = \"/a\n\" }" },
    { 1, "control character (byte 01)", "accounts \"a\" { lookup = \"SELECT \x01\" }" },
    { 1, "there is no user \"no-such-user\": a package may bring it, or adduser --system --group "
      "no-such-user", "daemon { user = no-such-user }" },
    { 1, "there is no group \"no-such-group\": a package may bring it, or addgroup --system "
      "no-such-group", "daemon { group = no-such-group }" },
    { 1, "there is no user \"no-such-user\"", "listen \"x\" { owner = no-such-user }" },
    { 2, "there is no group \"no-such-group\"", "listen \"x\" { peers = { root,\n \"@no-such-group\" } }" },
    { 1, "\"../x\" is not a name", "accounts \"a\" { preset = \"../x\" }" },
    { 1, "\".x\" is not a name", "accounts \"a\" { driver = \".x\" }" },
    { 1, "\"a/b\" is not a name", "accounts \"a\" { driver = \"a/b\" }" },
    { 1, "file: \"a.db\" does not begin", "accounts \"a\" { file = \"a.db\" }" },
    { 1, "\"a..b\" is not a domain", "accounts \"a\" { domains = { a..b } }" },
    { 1, "\"-a\" is not a domain", "accounts \"a\" { domains = { \"-a\" } }" },
    { 1, "\"a.\" is not a domain", "listen \"x\" { default_domain = \"a.\" }" },
    { 1, "is not a domain such as", "service \"imap\" { default_domain = \"b\xc3\xbc" "cher.example\" }" },
    { 1, "is not a service's name", "listen \"x\" { services = { \"im ap\" } }" },
    /* the environment stays out */
    { 2, "would take a value from the environment", "accounts \"a\" {\n file = \"${HOME}/x\" }" },
    { 1, "would take a value from the environment", "accounts \"a\" { file = ${HOME} }" },
    { 1, "would take a value from the environment", "accounts \"a\" { file = /x${HOME} }" },
    { 1, "would take a value from the environment", "${HOME}" },
    { 1, "would take a value from the environment", "listen \"${HOME}\" { }" },
    /* the grammar */
    { 2, "the string that begins here never ends", "cache {\n ttl = \"1h }\n" },
    { 2, "the string that begins here never ends", "cache {\n ttl = '1h }\n" },
    { 2, "goes on over the end of its line, and the one of line 3 never ends: is a quote missing?",
      "listen \"x\" {\n path = \"/run/x\n group = \"sasl\" }" },
    { 1, "the string that begins here never ends", "listen \"x" },
    { 1, "the string that begins here never ends", "listen \"x\\" },
    { 1, "the string that begins here never ends", "'\\" },
    { 2, "the comment that begins here never ends", "cache { }\n/* what" },
    { 1, "the comment that begins here never ends", "/*/" },
    { 1, "the \"{\" here has no \"}\"", "cache {\n ttl = \"1h\"\n" },
    { 3, "one \"{\" too many: is the \"}\" of line 2 missing?", "cache {\n ttl = {\n a { } } }" },
    { 2, "\"}\" without a \"{\" before it", "cache { }\n}" },
    { 1, "after the key \"ttl\" comes \"=\"", "cache { ttl \"1h\" }" },
    { 1, "\"}\" is not expected here", "cache { ttl = }" },
    { 1, "\"{\" is not expected here", "cache { ttl = { \"1h\" } }" },
    { 1, "has no key \"2h\"", "cache { ttl = 1h 2h }" },
    { 1, "is not expected here", "listen \"x\" { services = { imap smtp } }" },
    { 1, "\"+\" stands only inside quotes", "listen \"x\" { services += { imap } }" },
    { 1, "\"*\" stands only inside quotes", "accounts \"a\" { lookup = * }" },
    { 1, "\"|\" stands only inside quotes", "cache|ttl = 1h" },
    { 1, "a key is written without quotes", "\"cache|ttl\" = 1h" },
    { 1, "a control character (byte 0c)", "cache {\f}" },
    { 1, "\"\\x\" is no escape", "listen \"\\x41\" { }" },
    { 1, "\"\\0\" is no escape", "listen \"a\\0b\" { }" },
    { 1, "is not expected here", "=" },
    { 1, "is not expected here", "cache { , }" },
    { 1, "the file ends in the middle of a statement", "cache" },
    { 1, "after include comes (\"FILE\")", "include \"x\"" },
    { 1, "after \"(\" come one file's name in quotes and \")\"", "include()" },
    { 1, "after \"(\" come one file's name in quotes and \")\"", "include(\"a\", \"b\")" },
    { 1, "after \"(\" come one file's name in quotes and \")\"", "include(\"a\" = )" },
    { 1, "after \"(\" come one file's name in quotes and \")\"", "include(" },
    { 1, "after \"(\" come one file's name in quotes and \")\"", "include(\"a\"" },
    { 2, "is no file's path", "include(\"\\\n\")" },
    { 1, "an empty string", "include(\"\")" },
    { 2, "from here on it cannot be read", "\"\\\n\" cache { }" },
    { 3, "include: cannot open \"/nowhere/at/all\"", "\n\ninclude(\"/nowhere/at/all\")" },
};

static bool
tells(const struct row *row)
{
    struct error err;
    struct config *config = load_text(row->text, &err);
    char place[80];

    config_free(config);
    snprintf(place, sizeof(place), TEXT_PATH ":%d: ", row->line);
    if (!config && err.code == ERROR_CONFIG && strncmp(err.reason, place, strlen(place)) == 0
        && strstr(err.reason, row->reason))
        return true;
    print_error("%s\n  should give, in line %d: %s\n  and gave: %s\n", row->text, row->line,
                row->reason, config ? "a configuration" : err.reason);
    return false;
}

static void
each_fault_is_told_with_its_line_and_the_way_out(void **state)
{
    size_t silent = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        silent += !tells(&rows[i]);
    assert_int_equal(silent, 0);
}

/* libconfuse's lexer is global: what a refused file left behind must not change the next. */
static void
after_each_fault_a_good_file_is_read_as_ever(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err;
        struct config *config = load_text(rows[i].text, &err);

        assert_null(config);
        config = load_text("# good\n" ONE_SOURCE ONE_LISTENER, &err);
        if (!config)
            fail_msg("after %s: %s", rows[i].text, err.reason);
        config_free(config);
    }
}

static void
nothing_is_written_to_standard_error(void **state)
{
    FILE *caught = tmpfile();
    int before = dup(STDERR_FILENO);
    long written;

    (void)state;
    assert_non_null(caught);
    fflush(stderr);
    dup2(fileno(caught), STDERR_FILENO);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err;

        config_free(load_text(rows[i].text, &err));
    }
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    written = lseek(fileno(caught), 0, SEEK_END);
    fclose(caught);
    assert_int_equal(written, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_told_with_its_line_and_the_way_out),
        cmocka_unit_test(after_each_fault_a_good_file_is_read_as_ever),
        cmocka_unit_test(nothing_is_written_to_standard_error),
    };

    setenv("HOME", "/home/of/somebody", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
