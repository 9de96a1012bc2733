/* guest/reading.h - what came so far of a reply from clavigerd */
#ifndef GUEST_READING_H
#define GUEST_READING_H

enum reading {
    READING_WHOLE,              /* what it says is known */
    READING_MORE,               /* right so far */
    READING_BROKEN              /* no reply of the wire; a static string says why */
};

#endif
