// sendmail: takes a message from a local program. Also mailq (sendmail -bp) and newaliases (sendmail -bi).
//
// SECURITY: not set-uid and not set-gid. It runs as the caller and may do what the caller may: speak SMTP on the submit
// socket, where the kernel tells who it is, and leave a file in the maildrop.
// STANDARDS: RFC 5321 (SMTP), RFC 5322 (message format), sysexits.h (exit codes).
#include <string_view>
#include <vector>

#include "cli/sendmail/sendmail.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return facteur::cli::sendmail::run(argc > 0 ? argv[0] : "sendmail", arguments);
}
