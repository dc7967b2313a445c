// imap-login: IMAP before login (RFC 3501 section 6.2), and the TLS end of IMAP sessions.
//
// SECURITY: talks with strangers. Runs as facteur-login in an empty root without files and without sockets of its own
// making; names no user, but hands on a ticket that authd gave. Sees passwords on their way to authd, and the clear
// text of the TLS sessions of this process.
#include <memory>
#include <utility>

#include "common/login/server/program.h"
#include "common/process/program.h"
#include "imapd/login/login_session.h"

using namespace facteur;

namespace {
std::unique_ptr<login::Engine> make_engine(login::Authenticator& authenticator, login::Options options) {
  return std::make_unique<imapd::LoginSession>(authenticator, std::move(options));
}
}  // namespace

int main(int argc, char** argv) {
  process::Program process("imap-login", argc, argv);
  login::Program program(process, {auth::Service::imap, "imap", make_engine});
  process.jail(process::roles::login);
  program.open();
  return process.run();
}
