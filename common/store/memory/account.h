// Mailboxes in memory, for tests of what stands on them: the same promises as the others, nothing on disk.
#pragma once

#include <memory>

#include "common/store/mailbox.h"

namespace facteur::store {

class MemoryStore;

/// A session's view of an account in memory. Copies of one MemoryAccount stand for several sessions of one user: they
/// share all mailboxes and may be used from several threads.
class MemoryAccount : public Account {
 public:
  /// An account with an empty INBOX. UIDVALIDITY begins at `uid_validity` and rises with each mailbox.
  explicit MemoryAccount(std::uint32_t uid_validity = 1000);

  [[nodiscard]] Result<std::vector<Listed>> list() override;
  [[nodiscard]] Result<std::unique_ptr<Mailbox>> open(std::string_view name, bool read_only) override;
  [[nodiscard]] Result<Status> status(std::string_view name) override;
  [[nodiscard]] Result<> create(std::string_view name) override;
  [[nodiscard]] Result<> remove(std::string_view name) override;
  [[nodiscard]] Result<> rename(std::string_view from, std::string_view to) override;
  [[nodiscard]] Result<std::vector<std::string>> subscriptions() override;
  [[nodiscard]] Result<> subscribe(std::string_view name, bool on) override;

 private:
  std::shared_ptr<MemoryStore> store_;
};

}  // namespace facteur::store
