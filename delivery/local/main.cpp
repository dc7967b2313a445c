// local: delivers mail into the mailboxes of one uid.
//
// SECURITY: runs as the owner of the mail, jailed into that mail; it makes what is missing of it before its jail
// closes. Messages come as descriptors from queued, accounts from master. It is trusted with nothing that its uid could
// not do by itself, and answers only for the recipients it was given. STANDARDS: RFC 5321 section 4.4 (trace fields at
// final delivery), Maildir (https://cr.yp.to/proto/maildir.html), RFC 4155 (mbox).

#include "common/process/program.h"
#include "delivery/local/server.h"

int main(int argc, char** argv) {
  facteur::process::Program program("local", argc, argv);
  facteur::local::Server server(program);
  server.prepare();
  program.jail(facteur::process::roles::worker);
  return program.run();
}
