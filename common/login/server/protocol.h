// What differs between the login programs of POP3 and IMAP, as far as their one server knows.
#pragma once

#include <memory>
#include <string>

#include "auth/doors.h"
#include "common/login/authenticator.h"
#include "common/login/engine.h"
#include "common/login/limits.h"

namespace facteur::login {

struct Protocol {
  auth::Service service = auth::Service::pop3;
  std::string alpn;  ///< "pop3", "imap": the one ALPN protocol taken (RFC 7301; IANA's registry)
  std::unique_ptr<Engine> (*make_engine)(Authenticator& authenticator, Options options) = nullptr;
};

}  // namespace facteur::login
