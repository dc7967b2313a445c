// The index in LMDB. Changes are collected and committed at most once a second, or when there are many: a cache that
// loses its last second has lost nothing.
//
// Counters are remembered beside it, so that a process that serves the same accounts again and again opens no
// environment for them; those of a small mailbox are written nowhere, since it is read faster than they are.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/store/index/index.h"
#include "common/store/index/lmdb_env.h"

namespace facteur::store {

class LmdbIndex : public Index {
 public:
  static constexpr std::size_t max_pending = 256;
  static constexpr Milliseconds commit_interval{1000};
  static constexpr Milliseconds look_interval{100};    ///< a file that was deleted or replaced is read for so long
  static constexpr std::size_t max_value = 1 << 20;    ///< octets of a summary that are kept
  static constexpr std::size_t max_remembered = 1000;  ///< counters of mailboxes

  explicit LmdbIndex(std::string folder) : folder_(std::move(folder)) {}
  LmdbIndex(const LmdbIndex&) = delete;
  LmdbIndex& operator=(const LmdbIndex&) = delete;
  ~LmdbIndex() override { close(); }
  /// Writes what waits, and closes the environment until somebody asks again.
  void close();
  /// The same, if nobody has asked for so long.
  void close_if_unused(Seconds unused);

  [[nodiscard]] std::optional<std::string> summary(const MessageKey& message) override;
  void keep_summary(const MessageKey& message, std::string_view octets) override;
  void forget_summaries(std::uint32_t uid_validity, std::span<const Uid> uids) override;
  [[nodiscard]] std::optional<Status> counters(std::string_view mailbox, std::string_view state) override;
  void keep_counters(std::string_view mailbox, std::string_view state, const Status& status) override;
  [[nodiscard]] bool records(std::string_view mailbox, const std::function<bool(std::string_view)>& wants,
                             const std::function<bool(Uid, std::string_view)>& each) override;
  [[nodiscard]] bool keep_records(std::string_view mailbox, std::string_view before, std::string_view after,
                                  std::span<const RecordChange> changes) override;
  void forget_records(std::string_view mailbox) override;

 private:
  enum Table : unsigned { summaries = 0, counter_table = 1, record_table = 2 };

  // All under mutex_.
  [[nodiscard]] bool ready();
  [[nodiscard]] bool open_env();
  void give_up(const Error& error);
  [[nodiscard]] std::optional<std::string> get(Table table, const std::string& key);
  void put(Table table, std::string key, std::optional<std::string> value);
  void commit();
  void remember(std::string_view mailbox, std::string_view state, const Status& status);
  [[nodiscard]] bool change(const LmdbBatch& batch);

  std::string folder_;
  std::mutex mutex_;
  std::unique_ptr<LmdbEnv> env_;
  MonotonicTime last_use_{};
  MonotonicTime last_look_{};  ///< whether the environment's file is still the one of its name
  MonotonicTime last_commit_ = monotonic_now();
  MonotonicTime no_attempt_before_{};  ///< after a failure the index rests
  std::map<std::pair<unsigned, std::string>, std::optional<std::string>> pending_;
  struct Counters {
    std::string state;
    Status status;
  };
  std::map<std::string, Counters, std::less<>> remembered_;  ///< by mailbox
};

}  // namespace facteur::store
