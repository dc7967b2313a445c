// One message for one recipient: what goes on top of it, whether it may be delivered at all, and how the outcome is
// told.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "queue/doors.h"

namespace facteur::local {

/// Return-Path, X-Original-To and Delivered-To (RFC 5321 section 4.4; the others are Postfix's), each with its line
/// end, and an empty line where the message itself does not begin with a header.
[[nodiscard]] std::string top_fields(const std::string& reverse_path, const queue::LocalRecipient& recipient,
                                     std::string_view header);

/// True if the message was delivered to this recipient before, and goes in a circle.
[[nodiscard]] bool loops(const queue::LocalRecipient& recipient, std::string_view header);

/// The results of a recipient.
[[nodiscard]] queue::RecipientResult delivered_to(std::uint32_t number, std::string text);
[[nodiscard]] queue::RecipientResult loop_found(const queue::LocalRecipient& recipient);
/// Deferred, whatever the kind of the error: a full disk or a broken mailbox is for people to mend, and no reason to
/// return mail.
[[nodiscard]] queue::RecipientResult not_delivered(std::uint32_t number, const Error& error);

/// master never told us of the account.
[[nodiscard]] queue::RecipientResult unknown_account(std::uint32_t number);

}  // namespace facteur::local
