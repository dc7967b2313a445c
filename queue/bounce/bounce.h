// Reports of failure as messages of the queue: built from the original and its results, written under a name that a
// crash repeats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "queue/bounce/plan.h"
#include "queue/doors.h"
#include "queue/format/message.h"
#include "queue/spool/spool.h"

namespace facteur::queue {

/// What a report says beside the original.
struct BounceFacts {
  std::string hostname;
  std::uint64_t size_limit = 50000;  ///< of the returned message
  WallTime now;
};

/// A message whose recipients failed.
struct Bounced {
  std::string queue_id;
  Message message;
  Fd file;  ///< its queue file, for reading
  std::vector<RecipientResult> failed;
};

struct BounceWritten {
  std::string queue_id;
  std::vector<std::uint32_t> numbers;
  bool to_postmaster = false;
};

/// One report as the octets of a queue file of the name `queue_id`.
[[nodiscard]] Result<std::string> build_bounce(const Bounced& original, const BouncePlan& plan,
                                               const std::string& queue_id, const BounceFacts& facts,
                                               fs::Files& files = fs::system_files());

/// Writes all reports that are planned; each is durable when this returns. Blocks.
[[nodiscard]] Result<std::vector<BounceWritten>> write_bounces(Spool& spool, const Bounced& original,
                                                               const std::vector<BouncePlan>& plans,
                                                               const BounceFacts& facts);

}  // namespace facteur::queue
