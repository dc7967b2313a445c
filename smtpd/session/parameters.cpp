#include "smtpd/session/parameters.h"

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::smtpd {
namespace {

using Value = std::optional<std::string>;
using Verdict = std::optional<smtp::Reply>;

/// RFC 1870 section 4: up to 20 digits.
Verdict size(const Value& value, const Limits& limits, queue::Envelope&) {
  constexpr std::size_t digits = 20;
  const bool all_digits = value && !value->empty() && value->size() <= digits &&
                          value->find_first_not_of("0123456789") == std::string::npos;
  if (!all_digits) return smtp::Reply{501, "5.5.4", "Bad message size syntax"};
  const auto octets = parse_number<std::uint64_t>(*value);
  if (limits.message_size_limit > 0 && (!octets || *octets > limits.message_size_limit)) {
    return smtp::Reply{552, "5.3.4", "Message size exceeds fixed limit"};
  }
  return std::nullopt;
}

/// RFC 6152 section 2.
Verdict body(const Value& value, const Limits&, queue::Envelope& envelope) {
  if (value && iequals(*value, "8BITMIME")) {
    envelope.body_8bit = true;
  } else if (!value || !iequals(*value, "7BIT")) {
    return smtp::Reply{501, "5.5.4", "Unknown BODY type"};
  }
  return std::nullopt;
}

/// RFC 4954 section 5: a mailbox or "<>", in xtext. What others claim about a login is not handed on.
Verdict auth(const Value& value, const Limits& limits, queue::Envelope&) {
  if (limits.sasl_mechanisms.empty()) return smtp::Reply{555, "5.5.4", "Unsupported option: AUTH"};
  const auto decoded = value ? smtp::xtext_decode(*value) : std::nullopt;
  const bool good = decoded && (*decoded == "<>" || address::parse(*decoded));
  if (!good) return smtp::Reply{501, "5.5.4", "Bad AUTH parameter"};
  return std::nullopt;
}

struct Known {
  std::string_view keyword;
  Verdict (*apply)(const Value&, const Limits&, queue::Envelope&);
};
constexpr Known known[] = {{"SIZE", size}, {"BODY", body}, {"AUTH", auth}};

}  // namespace

std::optional<smtp::Reply> apply_mail_parameters(const std::vector<smtp::Parameter>& parameters, const Limits& limits,
                                                 queue::Envelope& envelope) {
  for (const auto& parameter : parameters) {
    const Known* found = nullptr;
    for (const auto& row : known) {
      if (row.keyword == parameter.keyword) found = &row;
    }
    if (found == nullptr) return smtp::Reply{555, "5.5.4", "Unsupported option: " + parameter.keyword};
    if (auto refused = found->apply(parameter.value, limits, envelope)) return refused;
  }
  return std::nullopt;
}

}  // namespace facteur::smtpd
