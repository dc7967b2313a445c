// smtpd: receives mail by SMTP (RFC 5321), on port 25 from other hosts, on 587 and 465 (RFC 6409, RFC 8314) and on the
// submit socket from our users.
//
// Security: one process a core, uid facteur, an empty chroot. It parses what strangers send, so it can open no file:
// what it writes to are descriptors that queued made for one message each. Whom a password belongs to, and which
// accounts there are, authd says.
#include "common/process/program.h"
#include "smtpd/server/server.h"

int main(int argc, char** argv) {
  using namespace facteur;
  process::Program program("smtpd", argc, argv);
  smtpd::Server server(program);
  server.prepare();
  program.jail(process::roles::smtpd);
  return program.run();
}
