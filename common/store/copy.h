// Copying between mailboxes of any kind, message by message: what every store can fall back to.
#pragma once

#include "common/store/mailbox.h"

namespace facteur::store {

/// Reads the messages of `from` that still exist and appends them to `to` in one append, with flags and internal date.
/// One message at a time is open, however many there are: `to` reads each when its turn comes, so `from` must not be
/// locked by who calls, and must be another mailbox than an mbox `to`, which holds its lock meanwhile.
[[nodiscard]] Result<Appended> copy_octets(Mailbox& from, std::span<const Uid> uids, Mailbox& to);

/// What every change of a mailbox that was opened for reading gets.
[[nodiscard]] std::unexpected<Error> refuse_read_only();
/// What asking for a message that is gone gets.
[[nodiscard]] std::unexpected<Error> refuse_gone(Uid uid);

}  // namespace facteur::store
