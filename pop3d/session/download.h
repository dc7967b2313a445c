// RETR and TOP: a message on its way to the client, slice by slice. Reading and byte-stuffing happen off the loop, one
// slice at a time and only when the one before is taken, so a message of 10 GB costs no more memory than a small one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/executor.h"
#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/store/mailbox.h"
#include "pop3d/session/byte_stuffing.h"
#include "pop3d/session/top_filter.h"

namespace facteur::pop3d {

class Download {
 public:
  /// Octets read at once.
  static constexpr std::size_t slice_octets = 65536;

  /// What a slice brought: octets for the wire, the reply line first; the last one ends the reply.
  struct Slice {
    std::string wire;
    bool last = false;
  };
  using Callback = std::function<void(Result<Slice>)>;

  /// This message of `mailbox`; with `body_lines` that many lines of its body only.
  Download(std::shared_ptr<store::Mailbox> mailbox, const store::Record& message,
           std::optional<std::uint64_t> body_lines);

  /// Reads the next slice; one at a time, none behind the last or behind an error. Kind::permanent on the first: the
  /// message is gone.
  [[nodiscard]] Ticket next(Executor& executor, Callback callback);

 private:
  struct Work;
  std::shared_ptr<Work> work_;  ///< used by the job under way, which may outlive this
};

}  // namespace facteur::pop3d
