// Texts on top of messages, and texts about them.

#include "delivery/local/letter.h"

#include <array>
#include <cerrno>
#include <utility>

#include "common/address/address.h"
#include "common/base/strings.h"
#include "common/mime/header.h"
#include "common/mime/trace.h"

namespace facteur::local {

namespace {

/// A recipient as queued names it; what does not parse is compared and shown as one local part.
address::Address address_of(const std::string& text) {
  auto parsed = address::parse(text);
  return parsed ? std::move(*parsed) : address::Address{text, ""};
}

struct Reason {
  int errno_value;
  const char* status;  ///< RFC 3463 section 3
};
constexpr std::array<Reason, 3> reasons{{
    {EDQUOT, "4.2.2"},
    {ENOSPC, "4.3.1"},
    {EFBIG, "4.2.2"},
}};

}  // namespace

std::string top_fields(const std::string& reverse_path, const queue::LocalRecipient& recipient,
                       std::string_view header) {
  const auto& original = recipient.original.empty() ? recipient.address : recipient.original;
  std::string fields = mime::return_path_field(reverse_path) + mime::original_to_field(original) +
                       mime::delivered_to_field(address_of(recipient.address));
  if (!mime::begins_with_field(header)) fields += "\r\n";
  return fields;
}

bool loops(const queue::LocalRecipient& recipient, std::string_view header) {
  return mime::was_delivered_to(header, address_of(recipient.address));
}

queue::RecipientResult delivered_to(std::uint32_t number, std::string text) {
  return {number, queue::Fate::delivered, "2.0.0", std::move(text), "local", false};
}

queue::RecipientResult loop_found(const queue::LocalRecipient& recipient) {
  return {recipient.number, queue::Fate::failed,
          "5.4.6",          "mail forwarding loop for " + printable(recipient.address, 320),
          "local",          false};
}

queue::RecipientResult not_delivered(std::uint32_t number, const Error& error) {
  const char* status = "4.2.0";
  for (const auto& reason : reasons) {
    if (reason.errno_value == error.errno_value) status = reason.status;
  }
  return {number, queue::Fate::deferred, status, printable(error.text, 512), "local", false};
}

queue::RecipientResult unknown_account(std::uint32_t number) {
  return {number, queue::Fate::deferred, "4.3.0", "the account is not known to its worker", "local", false};
}

}  // namespace facteur::local
