// DATA and what follows it, to the reply that promises or refuses (RFC 5321 sections 4.1.1.4 and 4.2.5).
#include <cerrno>
#include <fmt/format.h>

#include "common/base/strings.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {
namespace {

/// The queue could not take a message. Every failure of ours is a 4xx: the client keeps the message.
smtp::Reply queue_failure(const Error& error) {
  if (error.errno_value == ENOSPC || error.errno_value == EDQUOT) {
    return {452, "4.3.1", "Insufficient system storage"};
  }
  return {451, "4.3.0", "Error: queue file write error"};
}

}  // namespace

Session::Step Session::data(std::string_view arguments) {
  data_refused_ = true;
  if (!arguments.empty()) return smtp::Reply{501, "5.5.4", "Syntax: DATA"};
  if (phase() == in_mail) return smtp::Reply{554, "5.5.1", "Error: no valid recipients"};
  if (phase() != in_rcpt) return smtp::Reply{503, "5.5.1", "Error: need MAIL command"};
  ticket_ = services_.queue.open(transaction_->envelope, transaction_->recipients,
                                 [this](Queue::Opened reception) { answer(opened(std::move(reception))); });
  return Wait{};
}

Session::Step Session::opened(Queue::Opened opened) {
  if (!opened) {
    log(fmt::format("warning: {}: no place in the queue: {}", peer_, opened.error().text));
    transaction_.reset();
    return queue_failure(opened.error());
  }
  data_refused_ = false;
  std::string line = fmt::format("{}: client={}", (*opened)->queue_id(), peer_);
  if (!sasl_method_.empty()) {
    line += fmt::format(", sasl_method={}, sasl_username={}", sasl_method_, printable(client_.login));
  }
  log(line);
  transaction_->content = std::make_unique<Content>(limits_, std::move(*opened));
  return smtp::Reply{354, "", "End data with <CR><LF>.<CR><LF>"};
}

/// One slice of content. False when there is nothing to be done before more octets, or room, come.
bool Session::read_content() {
  if (in_.empty()) return false;
  auto& content = *transaction_->content;
  switch (content.read(in_)) {
    case Content::Status::more: return true;
    case Content::Status::ended: conclude(end_of_data()); return true;
    case Content::Status::flood:
      hang_up({552, "5.3.4", "Error: message file too big"}, "endless message");
      return false;
    case Content::Status::full: break;
  }
  ticket_ = content.reception().drained([this](bool) {
    ticket_.reset();
    run();
    changed();
  });
  return false;
}

Session::Step Session::end_of_data() {
  where_ = "END-OF-MESSAGE";
  auto& content = *transaction_->content;
  if (auto refused = content.refusal()) {
    log_refusal(where_, *refused, nullptr);
    transaction_.reset();
    return *refused;
  }
  const auto facts = trace(content.reception().queue_id());
  auto headers = received_field(facts);
  if (client_.role != Role::smtp) {
    if (!content.header().has_message_id()) headers += message_id_field(facts);
    if (!content.header().has_date()) headers += date_field(facts.arrival);
  }
  if (!content.header().begins_with_header()) headers += "\r\n";
  ticket_ =
      content.reception().finish(std::move(headers), [this](const Result<>& result) { answer(finished(result)); });
  return Wait{};
}

Session::Step Session::finished(const Result<>& result) {
  const auto queue_id = transaction_->content->reception().queue_id();
  transaction_.reset();
  if (!result) {
    log(fmt::format("warning: {}: {}", queue_id, result.error().text));
    return queue_failure(result.error());
  }
  budget_.forgive();
  return smtp::Reply{250, "2.0.0", "Ok: queued as " + queue_id};
}

Trace Session::trace(const std::string& queue_id) const {
  const auto& envelope = transaction_->envelope;
  const auto& recipients = transaction_->recipients;
  return {client_,
          limits_.hostname,
          helo_,
          envelope.protocol,
          tls_,
          queue_id,
          recipients.size() == 1 ? recipients.front().address : std::string{},
          WallTime{WallTime::duration{envelope.arrival}}};
}

}  // namespace facteur::smtpd
