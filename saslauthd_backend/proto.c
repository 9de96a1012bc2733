/* saslauthd_backend/proto.c - the protocols that the loops serve */
#include "saslauthd_backend/proto.h"

#include "common/macros.h"

const struct proto *
proto_find(enum listen_protocol protocol)
{
    static const struct proto *const protos[] = {
        &proto_saslauthd, &proto_dovecot, &proto_pam, &proto_auxprop,
    };

    for (size_t i = 0; i < COUNT(protos); i++)
        if (protos[i]->protocol == protocol)
            return protos[i];
    return NULL;
}
