/* common/macros.h - the few macros that every room uses */
#ifndef COMMON_MACROS_H
#define COMMON_MACROS_H

/* How many elements an array has; not for pointers. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The compiler checks a printf-like function's arguments. */
#define PRINTF_LIKE(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

/* Keeps what one thread writes off the cache line that another reads. */
#define CACHE_LINE 64

#endif
