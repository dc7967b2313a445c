// One message on its way through one connection: which recipients it still has, and what became of the others. The
// rules of who waits, who fails and who may try the next host are here (RFC 5321 section 4.2.1, and Postfix's
// practice).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/reply.h"
#include "queue/doors.h"

namespace facteur::remote {

/// What is to be sent; the content follows in pieces.
struct Mail {
  std::string reverse_path;
  std::vector<queue::AttemptRecipient> recipients;
  std::uint64_t size = 0;  ///< octets of content
  bool eight_bit = false;  ///< the content has octets above 127
  bool smtputf8 = false;   ///< addresses or header fields need RFC 6531
  std::string queue_id;
};

/// Why recipients do not get their message through this connection.
struct Failure {
  bool permanent = false;
  std::string status;         ///< enhanced status code (RFC 3463)
  std::string text;           ///< printable, bounded
  bool remote_reply = false;  ///< text is what the server said
  bool try_next = true;       ///< another host may be asked in this same attempt; of temporary ones only
};

/// The failure that a negative reply to `command` (empty: to none) is: 5yz is permanent, all else temporary. The
/// enhanced code is the server's if its class is that of the reply.
[[nodiscard]] Failure failure_of(const smtp::Reply& reply, std::string_view command);

/// What became of one recipient here.
struct Outcome {
  queue::RecipientResult result;
  bool try_next = false;
};

class Transaction {
 public:
  /// `relay` is named in the results: "mx.example.org[192.0.2.1]:25".
  Transaction(Mail mail, std::string relay);

  [[nodiscard]] const Mail& mail() const { return mail_; }
  /// Recipients that the server has taken and that have no result yet.
  [[nodiscard]] std::size_t accepted() const { return accepted_; }
  [[nodiscard]] bool is_accepted(std::size_t index) const { return states_[index] == State::accepted; }
  /// All recipients have a result.
  [[nodiscard]] bool settled() const { return settled_ == states_.size(); }
  [[nodiscard]] const std::vector<Outcome>& outcomes() const { return outcomes_; }

  /// The reply to RCPT for the recipient at `index`.
  void recipient_replied(std::size_t index, const smtp::Reply& reply);
  /// The reply to the end of the content, for all that were accepted.
  void content_replied(const smtp::Reply& reply);
  /// The same for one of them (LMTP: RFC 2033 section 4.2).
  void content_replied(std::size_t index, const smtp::Reply& reply);
  /// Gives this result to all that have none.
  void fail_rest(const Failure& failure);

  static constexpr std::size_t max_text = 512;  ///< octets of a server's text that are kept

 private:
  enum class State : std::uint8_t { pending, accepted, settled };

  void settle(std::size_t index, queue::Fate fate, std::string status, std::string text, bool remote_reply,
              bool try_next);
  void fail(std::size_t index, const Failure& failure);

  Mail mail_;
  std::string relay_;
  std::vector<State> states_;
  std::vector<Outcome> outcomes_;
  std::size_t accepted_ = 0;
  std::size_t settled_ = 0;
};

}  // namespace facteur::remote
