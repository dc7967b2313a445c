// SASL exchanges: the octets, cut at LF, are the responses of a client; the first octet chooses the mechanism.
#include <string>
#include <string_view>

#include "auth/exchange.h"
#include "auth/user_name.h"
#include "common/base/strings.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool started = auth::start_sasl().has_value();
  check(started, "SASL starts");
  if (size == 0) return 0;
  auto exchange = auth::Exchange::begin(auth::Service::smtp, data[0] & 1 ? "LOGIN" : "PLAIN", "h.example");
  check(exchange.has_value(), "an exchange begins");
  const auto responses = split({reinterpret_cast<const char*>(data) + 1, size - 1}, '\n');
  auto next = exchange->start(data[0] & 2 ? std::optional(std::string(responses[0])) : std::nullopt);
  for (std::size_t i = data[0] & 2 ? 1 : 0; next.challenge && i < responses.size(); ++i) {
    next = exchange->respond(std::string(responses[i]));
  }
  if (next.credentials) {
    check(auth::canonical_name(next.credentials->login) == next.credentials->login, "logins are canonical");
    check(!next.credentials->password.empty(), "passwords are not empty");
    const auto& acts_as = next.credentials->acts_as;
    check(acts_as.empty() || auth::canonical_name(acts_as) == acts_as, "whom to act for is canonical");
  }
  return 0;
}
