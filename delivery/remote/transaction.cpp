// Results of recipients.

#include "delivery/remote/transaction.h"

#include <utility>

#include "common/base/strings.h"

namespace facteur::remote {

Failure failure_of(const smtp::Reply& reply, std::string_view command) {
  Failure failure;
  failure.permanent = reply.permanent();
  failure.status = !reply.enhanced.empty() ? reply.enhanced : failure.permanent ? "5.0.0" : "4.0.0";
  failure.text = printable(reply.line(), Transaction::max_text);
  if (!command.empty()) failure.text += " (in reply to " + std::string(command) + ")";
  failure.remote_reply = true;
  failure.try_next = !failure.permanent;
  return failure;
}

Transaction::Transaction(Mail mail, std::string relay)
    : mail_(std::move(mail)), relay_(std::move(relay)), states_(mail_.recipients.size(), State::pending) {
}

void Transaction::recipient_replied(std::size_t index, const smtp::Reply& reply) {
  if (states_[index] != State::pending) return;
  if (reply.positive()) {
    states_[index] = State::accepted;
    ++accepted_;
    return;
  }
  auto failure = failure_of(reply, "RCPT TO command");
  // "Too many recipients" was 552 once (RFC 5321 section 4.5.3.1.10). It can be meant only where others were taken;
  // alone in a later transaction the recipient learns what the server really thinks.
  if (reply.code == 552 && accepted_ > 0) {
    failure.permanent = false;
    failure.status = "4.5.3";
    failure.try_next = false;
  }
  fail(index, failure);
}

void Transaction::content_replied(const smtp::Reply& reply) {
  for (std::size_t i = 0; i < states_.size(); ++i) content_replied(i, reply);
}

void Transaction::content_replied(std::size_t index, const smtp::Reply& reply) {
  if (states_[index] != State::accepted) return;
  if (!reply.positive()) return fail(index, failure_of(reply, "end of DATA command"));
  auto status = reply.enhanced.empty() ? "2.0.0" : reply.enhanced;
  settle(index, queue::Fate::delivered, std::move(status), printable(reply.line(), max_text), true, false);
}

void Transaction::fail_rest(const Failure& failure) {
  for (std::size_t i = 0; i < states_.size(); ++i) fail(i, failure);
}

void Transaction::fail(std::size_t index, const Failure& failure) {
  const auto fate = failure.permanent ? queue::Fate::failed : queue::Fate::deferred;
  settle(index, fate, failure.status, failure.text, failure.remote_reply, failure.try_next && !failure.permanent);
}

void Transaction::settle(std::size_t index, queue::Fate fate, std::string status, std::string text, bool remote_reply,
                         bool try_next) {
  if (states_[index] == State::settled) return;
  if (states_[index] == State::accepted) --accepted_;
  states_[index] = State::settled;
  ++settled_;
  outcomes_.push_back(
      {{mail_.recipients[index].number, fate, std::move(status), std::move(text), relay_, remote_reply}, try_next});
}

}  // namespace facteur::remote
