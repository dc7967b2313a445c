// authd: who is who. It reads the users, aliases and other tables and sends them compiled to smtpd and queued, checks
// passwords, gives tickets for good logins, and says whose mailbox an account is.
//
// SECURITY: its peers parse strangers' octets and are not trusted: names are checked before any backend, an exchange
// never means success by itself, a ticket is worth nothing to anybody else. It runs as auth_user, may read the folders
// of its tables and speak to saslauthd's socket, and writes nothing. STANDARDS: RFC 4422 (SASL), RFC 4616 (PLAIN),
// aliases(5), crypt(5).
#include "auth/server.h"

using namespace facteur;

int main(int argc, char** argv) {
  process::Program program("authd", argc, argv);
  process::size_pool(program.settings(), 16);
  auth::Server server(program);
  server.prepare();
  program.jail(process::roles::authd);
  return program.run();
}
