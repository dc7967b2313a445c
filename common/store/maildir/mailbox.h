// A session's handle on a Maildir mailbox.
#pragma once

#include <optional>

#include "common/store/core_mailbox.h"
#include "common/store/maildir/core.h"
#include "common/store/watch.h"

namespace facteur::store {

class MaildirMailbox final : public CoreMailbox<MaildirCore> {
 public:
  using CoreMailbox::CoreMailbox;

  /// As links where the file system lets us.
  [[nodiscard]] Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) override;
  /// Watched from the first call of one of these on: sessions that never wait for changes cost nothing.
  [[nodiscard]] int watch_descriptor() override;
  void drain_watch() override;

 private:
  std::optional<Watch> watch_;
};

}  // namespace facteur::store
