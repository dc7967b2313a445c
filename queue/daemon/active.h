// A message in core: between the moment it is taken up and the end of a pass over all its recipients.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/time.h"
#include "queue/doors.h"
#include "queue/format/message.h"

namespace facteur::queue {

/// What an administrator, or master (corrupt), wants done with a message as soon as nothing is under way.
enum class Wish : std::uint8_t { none, remove, hold, corrupt };

struct Active {
  std::uint64_t key = 0;
  std::string queue_id;
  Fd file;  ///< open for reading
  Message message;
  MonotonicTime taken_up;
  WallTime taken_up_wall;

  std::size_t open = 0;                 ///< recipients whose result has not come
  std::size_t weight = 0;               ///< recipients that count against the bound of the core
  std::vector<std::string> accounts;    ///< by number - 1: whose mailbox; empty: not one of ours
  std::vector<Outcome> delivered;       ///< not recorded yet
  std::vector<Outcome> recording;       ///< delivered, and in the records that are being appended
  std::vector<Outcome> deferred;        ///< of this pass
  std::vector<RecipientResult> failed;  ///< not reported yet
  std::string records;                  ///< ready to be appended to the log
  std::vector<std::string> dead_sites;  ///< that keep recipients waiting
  bool untried = false;                 ///< was committed just now: no delivery was begun before, not even by a crash
  bool routing = false;                 ///< recipients are being handed out: results are gathered only
  bool working = false;                 ///< a job about its file is under way
  bool settled = false;                 ///< the records of the whole pass are made
  bool process_lost = false;            ///< a process of ours ended with a delivery: not the recipient's fault
  Milliseconds wait{0};                 ///< until the next pass, once settled
  Wish wish = Wish::none;

  [[nodiscard]] const Recipient& recipient(std::uint32_t number) const {
    return message.recipients.at(number - 1).recipient;
  }
};

/// One way of delivery.
class Transport {
 public:
  /// Recipients of a message, by account or by domain.
  using Groups = std::map<std::string, std::vector<std::uint32_t>>;

  virtual ~Transport() = default;
  /// Takes recipients of a message; each is reported once, perhaps before this returns.
  virtual void take(Active& message, const Groups& groups) = 0;
  /// The message waits on disk for a site that is dead: it is to be released when the site answers.
  virtual void wait_for(const std::string& site, const std::string& queue_id) = 0;
};

}  // namespace facteur::queue
