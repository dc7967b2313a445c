// What an SMTP session asks of others. In the server these are the doors of queued and authd; in tests, tables.
// No callback runs before the call that asked has returned; a dropped Ticket withdraws the question.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/login/authenticator.h"
#include "queue/format/envelope.h"
#include "smtpd/policy/decision.h"
#include "smtpd/policy/facts.h"

namespace facteur::smtpd {

/// Says whether a recipient is taken: the policy, and the mailbox's existence where that matters.
class Recipients {
 public:
  virtual ~Recipients() = default;
  /// The decision is accept or reject, never look_up.
  [[nodiscard]] virtual Ticket judge(RecipientFacts facts, std::function<void(Decision)> callback) = 0;
};

/// One message on its way into the queue. Destroyed before finish() has succeeded, nothing of it remains.
class Reception {
 public:
  virtual ~Reception() = default;
  [[nodiscard]] virtual const std::string& queue_id() const = 0;
  /// Takes content with CRLF line ends, in any pieces. False when it has taken as much as it can hold: drained() tells
  /// when to go on. A failed write is told by finish().
  virtual bool write(std::string_view content) = 0;
  [[nodiscard]] virtual Ticket drained(std::function<void(bool)> callback) = 0;
  /// Makes the message durable, `top_headers` above its content, and gives it to the queue: only after success may the
  /// client hear 250. ENOSPC in errno_value is told apart (452). The callback may destroy the Reception.
  [[nodiscard]] virtual Ticket finish(std::string top_headers, std::function<void(Result<>)> callback) = 0;
};

/// The queue's front door.
class Queue {
 public:
  virtual ~Queue() = default;
  using Opened = Result<std::unique_ptr<Reception>>;
  /// Opens a message whose envelope is complete; the recipients are numbered by the queue.
  [[nodiscard]] virtual Ticket open(queue::Envelope envelope, std::vector<queue::Recipient> recipients,
                                    std::function<void(Opened)> callback) = 0;
};

/// All of them for one connection; the log takes whole lines.
struct Services {
  Recipients& recipients;
  login::Authenticator& authenticator;
  Queue& queue;
  std::function<void(std::string_view line)> log;
};

}  // namespace facteur::smtpd
