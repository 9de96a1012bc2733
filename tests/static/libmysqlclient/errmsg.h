/* tests/static/libmysqlclient/errmsg.h - see mysql.h: the client's errors */
#ifndef TESTS_STATIC_LIBMYSQLCLIENT_ERRMSG_H
#define TESTS_STATIC_LIBMYSQLCLIENT_ERRMSG_H

#define CR_MIN_ERROR 2000
#define CR_CONNECTION_ERROR 2002
#define CR_CONN_HOST_ERROR 2003
#define CR_NET_PACKET_TOO_LARGE 2020

#endif
