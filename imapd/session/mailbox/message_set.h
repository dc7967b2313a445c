// From the sets of messages that clients name to the messages of the selected mailbox.
#pragma once

#include <expected>
#include <vector>

#include "imapd/session/mailbox/selected.h"
#include "imapd/wire/reply.h"
#include "imapd/wire/sequence_set.h"

namespace facteur::imapd {

/// The sequence numbers of a set. A sequence number beyond the last message is BAD (RFC 3501 section 9, seq-number);
/// UIDs that are not there are passed over (section 6.4.8).
[[nodiscard]] std::expected<Ranges, Reply> sequence_numbers(const SequenceSet& set, const store::Snapshot& view,
                                                            bool by_uid);
/// The sequence numbers of messages whose UIDs are in `uids`.
[[nodiscard]] Ranges numbers_of_uids(const Ranges& uids, const store::Snapshot& view);
/// The UIDs of messages by their sequence numbers.
[[nodiscard]] std::vector<store::Uid> uids_of(const Ranges& numbers, const store::Snapshot& view);

/// Removes the messages that are \Deleted now; with `among`, only those of these UIDs (RFC 4315 section 2.1).
[[nodiscard]] Result<> expunge_deleted(Selected& selected, const SequenceSet* among);

}  // namespace facteur::imapd
