// sendmail: takes a message from a local program. Also mailq (sendmail -bp) and newaliases (sendmail -bi).
//
// SECURITY: not set-uid and not set-gid. It runs as the caller and may do what the caller may: speak SMTP on the submit
// socket, where the kernel tells who it is, and leave a file in the maildrop.
// STANDARDS: RFC 5321 (SMTP), RFC 5322 (message format), sysexits.h (exit codes).
#include <cstdio>
#include <exception>
#include <string_view>
#include <sysexits.h>
#include <vector>

#include "cli/sendmail/sendmail.h"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return facteur::cli::sendmail::run(argc > 0 ? argv[0] : "sendmail", arguments);
  } catch (const std::exception& error) {  // no memory: the caller still has the message
    std::fprintf(stderr, "sendmail: %s\n", error.what());
    return EX_TEMPFAIL;
  }
}
