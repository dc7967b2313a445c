// queued keeps the mail that is on its way: it takes messages over from smtpd, decides who is tried when, hands them to
// the processes that deliver, and reports failures to their senders.
//
// SECURITY. It runs under a uid of its own, shut into the spool, and can reach nothing else: no network, no mailboxes,
// no programs. What smtpd, remote and the local workers say is checked before it is believed; the content of messages
// is never parsed here.
//
// STANDARDS. RFC 5321 (sections 4.5.4, 5.1, 6), RFC 3461, 3463, 3464 (reports), RFC 7505 (null MX).
#include "common/process/program.h"
#include "queue/daemon/server.h"

using namespace facteur;

int main(int argc, char** argv) {
  process::Program program("queued", argc, argv);
  queue::Server server(program);
  server.prepare();
  program.jail(process::roles::queued);
  server.start();
  return program.run();
}
