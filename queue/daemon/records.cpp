#include "queue/daemon/records.h"

#include <algorithm>

namespace facteur::queue {

std::string event_records(RecordKind kind, std::span<const Outcome> outcomes, WallTime now, WallTime next_attempt,
                          std::string_view bounce) {
  constexpr std::size_t per_record = 50;  // of at most max_reason octets and a little more each
  static_assert(per_record * (max_reason + 64) < max_payload);
  std::string out;
  for (std::size_t at = 0; at < outcomes.size(); at += per_record) {
    const auto part = outcomes.subspan(at, std::min(per_record, outcomes.size() - at));
    append_record(out, kind,
                  Event{now.time_since_epoch().count(),
                        next_attempt.time_since_epoch().count(),
                        std::string(bounce),
                        {part.begin(), part.end()}});
  }
  return out;
}

}  // namespace facteur::queue
