// remote: asks DNS, and sends mail to other hosts by SMTP and LMTP.
//
// SECURITY: talks to strangers all day, so it may open no file. What it needs from files it reads before its jail
// closes; messages come as descriptors for reading from queued, and only results go back. A remote reply is text to be
// escaped, never an order. STANDARDS: RFC 5321 (SMTP), RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC
// 6152 (8BITMIME, and the conversion for hosts without it), RFC 3207 (STARTTLS), RFC 6531 (SMTPUTF8), RFC 2034 and RFC
// 3463 (enhanced status codes), RFC 7505 (null MX).

#include <sysexits.h>

#include "common/log/log.h"
#include "common/process/program.h"
#include "delivery/remote/server.h"

int main(int argc, char** argv) {
  facteur::process::Program program("remote", argc, argv);
  facteur::remote::Server server(program);
  if (const auto prepared = server.prepare(); !prepared) {
    facteur::log::error("{}", prepared.error().text);
    return EX_CONFIG;
  }
  program.jail(facteur::process::roles::remote);
  return program.run();
}
