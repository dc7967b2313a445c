// Events of the log as octets, split so that no record is longer than it may be.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "queue/format/record.h"

namespace facteur::queue {

/// One event or several of one kind. `next_attempt` is of DEFERRED, `bounce` of FAILED.
[[nodiscard]] std::string event_records(RecordKind kind, std::span<const Outcome> outcomes, WallTime now,
                                        WallTime next_attempt = {}, std::string_view bounce = {});

}  // namespace facteur::queue
