// pop3-login: POP3 before login (RFC 1939 section 4), and the TLS end of POP3 sessions.
//
// SECURITY: talks with strangers. Runs as facteur-login in an empty root without files and without sockets of its own
// making; names no user, but hands on a ticket that authd gave. Sees passwords on their way to authd, and the clear
// text of the TLS sessions of this process.
#include <memory>
#include <utility>

#include "common/login/server/program.h"
#include "common/process/program.h"
#include "pop3d/login/login_session.h"

using namespace facteur;

namespace {
std::unique_ptr<login::Engine> make_engine(login::Authenticator& authenticator, login::Options options) {
  return std::make_unique<pop3d::LoginSession>(authenticator, std::move(options));
}
}  // namespace

int main(int argc, char** argv) {
  process::Program process("pop3-login", argc, argv);
  login::Program program(process, {auth::Service::pop3, "pop3", make_engine});
  process.jail(process::roles::login);
  program.open();
  return process.run();
}
