// A message as its queue file tells it: the envelope, and what the log says became of each recipient.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queue/format/envelope.h"
#include "queue/format/header.h"
#include "queue/format/record.h"

namespace facteur::queue {

/// What is known of a recipient.
enum class Standing : std::uint8_t { pending, delivered, failed, expanded };

/// A recipient and the last word on it.
struct RecipientState {
  Recipient recipient;
  Standing standing = Standing::pending;
  std::string status;  ///< enhanced status code of the last outcome
  std::string reason;  ///< of the last outcome
};

/// A message without its content.
struct Message {
  Header header;
  Envelope envelope;
  End end;
  std::vector<RecipientState> recipients;  ///< number n is recipients[n - 1]
  std::int64_t next_attempt = 0;           ///< of the last DEFERRED; 0 if there is none
  std::uint64_t log_end = 0;               ///< where the next event goes
  std::uint64_t attempts = 0;              ///< DEFERRED events

  /// Octets of the message as it is delivered: headers on top and content.
  [[nodiscard]] std::uint64_t size() const { return header.content_octets + header.top_octets; }
  /// Recipients that are not finished.
  [[nodiscard]] std::size_t pending() const;
  /// The reverse-path for one recipient: its owner's, or the envelope's.
  [[nodiscard]] const std::string& reverse_path(const Recipient& recipient) const {
    return recipient.has_owner ? recipient.owner : envelope.reverse_path;
  }
};

/// Applies the records of a log to a message, one after the other.
class LogReplay {
 public:
  explicit LogReplay(Message& message) : message_(message) {}
  /// False if the record breaks the rules; the message is then as the events before left it.
  [[nodiscard]] bool apply(const Record& record);
  /// True when no RECIPIENT record waits for its EXPANDED: the log may end here.
  [[nodiscard]] bool at_rest() const { return added_.empty(); }

 private:
  bool add(const Record& record);
  bool settle(const Event& event, RecordKind kind);

  Message& message_;
  std::vector<Recipient> added_;  // RECIPIENT records whose EXPANDED has not come yet
};

}  // namespace facteur::queue
