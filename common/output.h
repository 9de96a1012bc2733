/* common/output.h - what a program says on standard output is all said, or that is a failure
 *
 * Threads  One.
 */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

#include "common/error.h"

/* Sends what stdio still holds. ERROR_UNAVAILABLE when any of it, or of what went before, is lost. */
enum error_code output_finish(struct error *err);

#endif
