/* tests/unit/pam_case_text.h - the words of a line in tests/pam_cases
 *
 * What makes no sense ends the program with the file's name and line.
 */
#ifndef TESTS_UNIT_PAM_CASE_TEXT_H
#define TESTS_UNIT_PAM_CASE_TEXT_H

#include "tests/unit/pam_case.h"

struct reader { struct pam_case *one; const char *at; int line; };

void __attribute__((noreturn, format(printf, 2, 3)))
reader_wrong(const struct reader *r, const char *format, ...);

/* A copy, so many times over, that lives as long as the case. */
struct case_text text_keep(struct reader *r, const char *bytes, size_t len, size_t times);

/* Whether something comes, past blanks. */
bool is_more(struct reader *r);

/* A quoted text, or what stands up to a blank or one of `ends`. */
struct case_text take_until(struct reader *r, const char *ends);
struct case_text take_text(struct reader *r);
struct case_text take_rest(struct reader *r);           /* of the line, as it stands */

/* One of the words that may stand here; the last of them has no name. */
struct word { const char *name; int value; };
int take_word(struct reader *r, const struct word *words);

#endif
