// Fuzz target: the parser of DNS answers. What it lets through is fit for use.
#include <cstdint>
#include <string_view>

#include "common/dns/name.h"
#include "common/dns/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur::dns;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  for (const Type type : {Type::a, Type::aaaa, Type::mx, Type::ptr}) {
    const auto reply = parse_reply(octets, "x.org", type);
    if (!reply) continue;
    facteur::check(reply->records.empty() == (reply->outcome != Outcome::found), "found is found");
    facteur::check(reply->lifetime >= facteur::Seconds{0} && reply->lifetime <= max_lifetime, "a lifetime has bounds");
    for (const auto& record : reply->records) {
      const bool address = type == Type::a || type == Type::aaaa;
      const bool good = address ? record.data.size() == (type == Type::a ? 4U : 16U)
                                : is_domain_name(record.data) || (type == Type::mx && record.data.empty());
      facteur::check(good, "a hostile name came through");
    }
  }
  return 0;
}
