"""tests/e2e/test_pam_host_mysql.py - a host that speaks to MariaDB itself keeps its connection

The connector is loaded into this process and holds a session open, as a mail server with its own
tables does, while the module is loaded, asks, and is let go over and over beside it. pam_mysql
shares the connector's state with its host; ours brings no client library along.
"""

import ctypes, os, sys, tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness
from harness import PAM_MODULE, Site, crypt, equal
from mariadb import MariaDB

SIGN_INS = 1000


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


Converse = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                            ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", Converse), ("context", ctypes.c_void_p)]


class Pam:
    """libpam in this process, with the service files of a directory."""

    def __init__(self, directory, password):
        self.directory = directory.encode()
        self.pam = ctypes.CDLL("libpam.so.0")
        libc = ctypes.CDLL(None)
        libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p

        def converse(count, messages, responses, context):
            memory = libc.calloc(count, ctypes.sizeof(Response))
            array = ctypes.cast(memory, ctypes.POINTER(Response))
            for i in range(count):
                array[i].text = libc.strdup(password.encode())
            responses[0] = array
            return 0

        self.conversation = Conversation(Converse(converse), None)

    def sign_in(self, service, login):
        handle = ctypes.c_void_p()
        status = self.pam.pam_start_confdir(service.encode(), login.encode(), ctypes.byref(self.conversation),
                                            self.directory, ctypes.byref(handle))
        assert status == 0, status
        status = self.pam.pam_authenticate(handle, 0)
        self.pam.pam_end(handle, status)
        return status


class Connection:
    """A session of the connector's, open for as long as this is."""

    def __init__(self, path):
        self.library = ctypes.CDLL("libmariadb.so.3")
        for name in ("mysql_init", "mysql_real_connect", "mysql_store_result", "mysql_fetch_row", "mysql_error"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.library.mysql_init(None))
        done = self.library.mysql_real_connect(self.handle, None, b"root", None, b"mail", 0, path.encode(),
                                               ctypes.c_ulong(0))
        assert done, "the connector does not connect"

    def value(self, query):
        equal(self.library.mysql_query(self.handle, query), 0, "query")
        result = ctypes.c_void_p(self.library.mysql_store_result(self.handle))
        row = ctypes.cast(self.library.mysql_fetch_row(result), ctypes.POINTER(ctypes.c_char_p))
        value = row[0]
        self.library.mysql_free_result(result)
        return value


def test_a_hosts_own_connection_outlives_a_thousand_sign_ins():
    with Site() as site, tempfile.TemporaryDirectory() as directory, MariaDB() as server:
        site.add_stored("ada@example.net", crypt("right"))
        site.start()
        with open(os.path.join(directory, "imap"), "w") as f:
            f.write("auth required %s socket=%s/pam\n" % (PAM_MODULE, site.dir))
        connection, pam = Connection(server.socket), Pam(directory, "right")
        session = connection.value(b"SELECT connection_id()")
        connection.value(b"SELECT @held := 'ours'")
        for i in range(SIGN_INS):
            equal(pam.sign_in("imap", "ada@example.net"), 0, "sign-in %d" % i)
            if i % 100 == 0:
                equal(connection.value(b"SELECT connection_id()"), session, "after sign-in %d" % i)
        equal(connection.value(b"SELECT @held"), b"ours", "what the session held")
        equal(connection.value(b"SELECT connection_id()"), session, "the session")


if __name__ == "__main__":
    if "libasan" in os.popen("ldd '%s'" % PAM_MODULE).read():
        print("1..0 # SKIP a module with AddressSanitizer wants its library before Python's")
    else:
        harness.main()
