// MAIL and RCPT: the envelope (RFC 5321 sections 4.1.1.2 and 4.1.1.3).
#include <fmt/format.h>

#include "common/address/grammar.h"
#include "common/base/strings.h"
#include "common/smtp/path.h"
#include "smtpd/policy/policy.h"
#include "smtpd/session/parameters.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {
namespace {

/// RFC 6531 section 3.5: SMTPUTF8 is not offered, so octets above 127 are refused, well formed or not.
constexpr std::string_view no_utf8 = "Must declare SMTPUTF8 to permit unicode address";

}  // namespace

Session::Step Session::mail(std::string_view arguments) {
  if (limits_.helo_required && helo_.empty()) return smtp::Reply{503, "5.5.1", "Error: send HELO/EHLO first"};
  if (const auto decision = judge_sender(client_); decision.action != Action::accept) {
    log_refusal("MAIL", decision.reply, nullptr);
    return decision.reply;
  }
  if (!address::is_ascii(arguments)) return smtp::Reply{550, "5.6.7", std::string(no_utf8)};
  auto parsed = smtp::parse_mail(arguments);
  if (!parsed) return smtp::Reply{501, "5.1.7", "Bad sender address syntax: " + parsed.error().text};
  Transaction transaction;
  auto& envelope = transaction.envelope;
  if (auto refused = apply_mail_parameters(parsed->parameters, limits_, envelope)) return *refused;
  transaction.reverse_path = std::move(parsed->path.address);
  auto& path = transaction.reverse_path;
  if (!path.empty() && path.domain.empty()) path.domain = limits_.origin;
  envelope.arrival = wall_now().time_since_epoch().count();
  envelope.reverse_path = path.to_string();
  envelope.login = client_.login;
  envelope.client_name = client_.name;
  envelope.client_address = client_.ip.to_string();
  envelope.helo = printable(helo_, max_helo);
  envelope.protocol = with_protocol(extended_, client_.tls, !sasl_method_.empty());
  transaction_ = std::move(transaction);
  data_refused_ = false;
  return smtp::Reply{250, "2.1.0", "Ok"};
}

Session::Step Session::rcpt(std::string_view arguments) {
  if (!address::is_ascii(arguments)) return smtp::Reply{553, "5.6.7", std::string(no_utf8)};
  const auto parsed = smtp::parse_rcpt(arguments);
  if (!parsed) return smtp::Reply{501, "5.1.3", "Bad recipient address syntax: " + parsed.error().text};
  if (!parsed->parameters.empty()) {
    return smtp::Reply{555, "5.5.4", "Unsupported option: " + parsed->parameters.front().keyword};
  }
  if (transaction_->accepted >= limits_.recipient_limit) {
    smtp::Reply reply{452, "4.5.3", "Error: too many recipients"};
    if (++transaction_->overshoot > limits_.recipient_overshoot_limit) return reply;
    return Lenient{reply};
  }
  const auto& recipient = parsed->path.address;
  RecipientFacts facts{client_, helo_, transaction_->reverse_path, recipient, std::nullopt};
  ticket_ = services_.recipients.judge(
      std::move(facts), [this, recipient](const Decision& decision) { answer(judged(recipient, decision)); });
  return Wait{};
}

Session::Step Session::judged(const address::Address& recipient, const Decision& decision) {
  if (decision.action != Action::accept) {
    log_refusal("RCPT", decision.reply, &recipient);
    return decision.reply;
  }
  auto address = recipient;
  if (address.domain.empty()) address.domain = limits_.origin;
  if (!decision.domain.empty()) address.domain = decision.domain;
  queue::Recipient record;
  record.address = address.to_string();
  record.original_address = recipient.to_string();
  ++transaction_->accepted;
  // Named twice, it gets one copy all the same (Postfix's duplicate filter). The case of a local-part is for its own
  // host to judge (RFC 5321 section 2.4): here it means nothing.
  auto key = decision.ours ? to_lower(record.address) : address.key();
  if (transaction_->named.insert(std::move(key)).second) transaction_->recipients.push_back(std::move(record));
  return smtp::Reply{250, "2.1.5", "Ok"};
}

void Session::log_refusal(std::string_view command, const smtp::Reply& reply, const address::Address* recipient) const {
  std::string line = fmt::format("NOQUEUE: reject: {} from {}: {};", command, peer_, reply.line());
  if (transaction_) line += fmt::format(" from=<{}>", printable(transaction_->envelope.reverse_path));
  if (recipient != nullptr) line += fmt::format(" to=<{}>", printable(recipient->to_string()));
  log(line + fmt::format(" proto={} helo=<{}>", extended_ ? "ESMTP" : "SMTP", printable(helo_)));
}

}  // namespace facteur::smtpd
