#include "cli/sendmail/recipients.h"

#include <algorithm>
#include <span>

#include "common/address/address.h"
#include "common/address/grammar.h"
#include "common/address/list.h"
#include "common/base/strings.h"
#include "common/mime/header.h"

namespace facteur::cli::sendmail {
namespace {

constexpr std::string_view plain_fields[] = {"To", "Cc", "Bcc"};
constexpr std::string_view resent_fields[] = {"Resent-To", "Resent-Cc", "Resent-Bcc"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto one) { return iequals(one, name); });
}

/// Without a domain it is a name of this place.
Result<address::Address> parse_qualified(std::string_view text, const std::string& origin) {
  auto parsed = address::parse(text);
  if (parsed && parsed->domain.empty()) parsed->domain = origin;
  return parsed;
}

}  // namespace

Result<std::string> qualify(std::string_view address, const std::string& origin) {
  address = trim(address);
  if (address.starts_with('<') && address.ends_with('>')) address = address.substr(1, address.size() - 2);
  if (address.empty()) return std::string();
  const auto parsed = parse_qualified(address, origin);
  if (!parsed) return fail(Kind::permanent, printable(address) + ": " + parsed.error().text);
  return parsed->to_string();
}

Result<> Recipients::add(std::string_view list) {
  const auto too_many = [] {
    return fail(Kind::permanent, "more than " + std::to_string(max_recipients) + " recipients: send it in parts");
  };
  const auto entries = address::parse_list(list, max_recipients + 1);
  if (entries.size() > max_recipients) return too_many();
  for (const auto& entry : entries) {
    if (entry.type != address::ListEntry::Type::mailbox) continue;
    auto one = entry.address();
    const address::Address written{entry.local_part, entry.domain};
    // Words with spaces between them are no name of a user, though quotes could make them one.
    if (!one && entry.domain.empty() && address::is_dot_string(entry.local_part)) {
      if (auto local = parse_qualified(written.to_string(), origin_)) one = *local;
    }
    if (!one) return fail(Kind::permanent, "\"" + printable(written.to_string()) + "\" is no address; correct it");
    if (!keys_.insert(one->key()).second) continue;
    if (all_.size() == max_recipients) return too_many();
    all_.push_back(one->to_string());
  }
  return {};
}

Result<> Recipients::add_from_header(std::string_view message) {
  std::vector<std::string_view> plain;
  std::vector<std::string_view> resent;
  mime::Fields fields(message);
  while (const auto field = fields.next()) {
    if (is_one_of(field->name, plain_fields)) plain.push_back(field->body);
    if (is_one_of(field->name, resent_fields)) resent.push_back(field->body);
  }
  for (const auto body : resent.empty() ? plain : resent) {
    if (trim(body).empty()) continue;
    if (auto added = add(body); !added) return added;
  }
  return {};
}

}  // namespace facteur::cli::sendmail
