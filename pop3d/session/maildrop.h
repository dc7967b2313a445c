// A POP3 session's view of the inbox: message numbers, which stay as they were at login (RFC 1939 section 5), and what
// the session has marked. Changes nothing by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::pop3d {

class Maildrop {
 public:
  explicit Maildrop(std::shared_ptr<const store::Snapshot> snapshot);

  /// All messages, the deleted ones too: the highest message number.
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(snapshot_->records.size()); }
  /// Messages and octets that are not marked as deleted: what STAT tells.
  [[nodiscard]] std::uint32_t kept() const { return kept_; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }
  [[nodiscard]] std::uint32_t uid_validity() const { return snapshot_->uid_validity; }

  /// The number in `text`, if a message of it is there and not deleted.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view text) const;
  /// `number` is from 1 to count().
  [[nodiscard]] const store::Record& record(std::uint32_t number) const { return snapshot_->records[number - 1]; }
  /// What RETR sends of it, byte stuffing not counted (RFC 1939 section 11): the last line always with its end.
  [[nodiscard]] std::uint64_t octets(std::uint32_t number) const {
    return record(number).size + (record(number).open_end ? 2 : 0);
  }
  [[nodiscard]] bool is_deleted(std::uint32_t number) const { return (marks_[number - 1] & deleted) != 0; }

  void mark_deleted(std::uint32_t number);
  void mark_retrieved(std::uint32_t number);
  /// RSET: nothing is deleted; LAST is again what it was at login (RFC 1460). What was retrieved stays so.
  void reset();
  /// The highest number retrieved or deleted in this session, or that was \Seen before it (RFC 1460).
  [[nodiscard]] std::uint32_t last() const { return last_; }

  [[nodiscard]] std::vector<store::Uid> deleted_uids() const;
  /// Of messages retrieved here, not deleted, and not yet \Seen.
  [[nodiscard]] std::vector<store::Uid> newly_seen_uids() const;

 private:
  enum Mark : std::uint8_t { deleted = 1, retrieved = 2 };

  std::shared_ptr<const store::Snapshot> snapshot_;
  std::vector<std::uint8_t> marks_;
  std::uint64_t octets_ = 0;
  std::uint32_t kept_ = 0;
  std::uint32_t first_last_ = 0;  ///< last() at login
  std::uint32_t last_ = 0;
};

}  // namespace facteur::pop3d
