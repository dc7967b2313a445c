// What POP3, IMAP and delivery know of a mailbox. Three stores stand behind it: Maildir, mbox, and memory for tests.
// Calls block on files: in a server they run on the work pool, one at a time for one Mailbox.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mime/summary.h"

namespace facteur::store {

using Uid = std::uint32_t;  ///< 1 and up; 0 is none (RFC 3501 section 2.3.1.1)

/// UIDs from `first` to `last`, both among them.
struct UidRange {
  Uid first = 0;
  Uid last = 0;
  friend bool operator==(const UidRange&, const UidRange&) = default;
};

/// The system flags of RFC 3501 section 2.3.2 but \Recent, which belongs to a session, as bits.
enum SystemFlag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };

/// The flags of one message: system flags, and keywords as bits that index Snapshot::keywords.
struct Flags {
  std::uint8_t system = 0;
  std::uint64_t keywords = 0;
  friend bool operator==(const Flags&, const Flags&) = default;
};
constexpr std::size_t max_keywords = 64;

/// What is known of a message without opening it.
struct Record {
  Uid uid = 0;
  Flags flags;
  std::uint64_t modseq = 0;        ///< changes whenever the flags do; never falls (RFC 7162)
  std::int64_t internal_date = 0;  ///< seconds since 1970
  std::uint64_t size = 0;          ///< octets with CRLF line ends (RFC822.SIZE)
  bool open_end = false;           ///< the last line has no end: POP3 must give it one
  friend bool operator==(const Record&, const Record&) = default;
};

/// A mailbox at one moment. Never changed once made, so sessions share it; two of them are compared by diff().
struct Snapshot {
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  std::uint64_t highest_modseq = 1;
  std::vector<std::string> keywords;  ///< names by bit number; only ever grows
  std::vector<Record> records;        ///< ascending UID; sequence number n is records[n - 1]
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// The counters of STATUS and SELECT, which do not depend on the number of messages.
struct Status {
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  std::uint64_t highest_modseq = 1;
  std::uint32_t messages = 0;
  std::uint32_t recent = 0;               ///< messages no session has been the first to see
  std::uint32_t unseen = 0;               ///< messages without \Seen
  Uid first_unseen = 0;                   ///< lowest UID without \Seen; 0 if none
  std::uint32_t first_unseen_number = 0;  ///< its sequence number
};

/// The octets of one message, line ends as CRLF, whatever the file has. Holds the file open: it stays readable when the
/// message is expunged meanwhile.
class Content {
 public:
  virtual ~Content() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Up to `most` octets from `offset`; fewer only at the end. Reading forward is linear, going back may start anew.
  [[nodiscard]] virtual Result<std::string> read(std::uint64_t offset, std::size_t most) = 0;
};

/// A message to add, line ends as CRLF, LF or mixed (all become the store's own).
struct NewMessage {
  std::string_view octets;
  std::uint8_t system_flags = 0;
  std::vector<std::string> keywords;
  std::int64_t internal_date = 0;  ///< seconds since 1970; 0 is now
  Content* content = nullptr;      ///< read when its turn comes, instead of `octets`: so a copy is not held in memory
};

/// Where appended or copied messages went (UIDPLUS, RFC 4315 section 3).
struct Appended {
  std::uint32_t uid_validity = 0;
  std::vector<Uid> uids;  ///< in the order of the request
  /// Of a copy: what was copied, uids[i] from sources[i]. Messages that were not to be found are not in it, and whoever
  /// moves mail may remove only these.
  std::vector<Uid> sources = {};
};

enum class FlagChange : std::uint8_t { replace, add, remove };

/// One mailbox, opened by one session.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  [[nodiscard]] virtual bool read_only() const = 0;
  [[nodiscard]] virtual Result<Status> status() = 0;
  /// Looks at the files and returns the mailbox as it is now: the same pointer as before when nothing changed.
  [[nodiscard]] virtual Result<std::shared_ptr<const Snapshot>> snapshot() = 0;
  /// The first UID that no session has seen. With `claim`, those up to UIDNEXT are seen from now on: the session that
  /// claimed shows them as \Recent (RFC 3501 section 2.3.2).
  [[nodiscard]] virtual Result<Uid> first_recent(bool claim) = 0;
  /// The content. Kind::permanent if the message is gone.
  [[nodiscard]] virtual Result<std::unique_ptr<Content>> open(Uid uid) = 0;
  /// Envelope and structure, from the index or parsed now; at least what is wanted of it. Kind::permanent if the
  /// message is gone.
  [[nodiscard]] virtual Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted = {}) = 0;
  /// Adds all or none. Durable when it returns. Keywords that find no room in the mailbox (`max_keywords`) are left
  /// out: they are no reason not to keep a message. copy() does the same.
  [[nodiscard]] virtual Result<Appended> append(std::span<const NewMessage> messages) = 0;
  /// Changes flags; UIDs that are gone are passed over. More than `max_keywords` names in all: Kind::permanent.
  [[nodiscard]] virtual Result<> change_flags(std::span<const Uid> uids, FlagChange change, std::uint8_t system_flags,
                                              const std::vector<std::string>& keywords) = 0;
  /// Removes messages for good, durable when it returns; gives the UIDs removed by this call.
  [[nodiscard]] virtual Result<std::vector<Uid>> expunge(std::span<const Uid> uids) = 0;
  /// The UIDs of messages that went since the mailbox had this mod-sequence, ascending (RFC 7162 section 3.2.10). Where
  /// that is not remembered so far back: all that are the UID of no message any more.
  [[nodiscard]] virtual Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq) = 0;
  /// Copies to another mailbox of the same account, all that are found or none, with flags and internal date.
  [[nodiscard]] virtual Result<Appended> copy(std::span<const Uid> uids, Mailbox& to) = 0;
  /// A descriptor that becomes readable when somebody else may have changed the mailbox; -1 where there is none.
  [[nodiscard]] virtual int watch_descriptor() = 0;
  /// Reads away what made watch_descriptor() readable.
  virtual void drain_watch() = 0;
};

/// What LIST says of a mailbox (RFC 3501 section 7.2.2).
struct Listed {
  std::string name;        ///< UTF-8, hierarchy separator '/'
  bool selectable = true;  ///< false: only a parent of others (\Noselect)
  bool has_children = false;
  bool recent = false;  ///< may have messages since it was last selected (\Marked)
};

/// All mailboxes of one account. Names are UTF-8 with '/' between levels; INBOX in any case is the inbox. A name that
/// could leave the account's folder, or that the store cannot keep, is Kind::permanent.
class Account {
 public:
  virtual ~Account() = default;
  /// Every mailbox, INBOX first, then by name.
  [[nodiscard]] virtual Result<std::vector<Listed>> list() = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Mailbox>> open(std::string_view name, bool read_only) = 0;
  [[nodiscard]] virtual Result<Status> status(std::string_view name) = 0;
  [[nodiscard]] virtual Result<> create(std::string_view name) = 0;
  [[nodiscard]] virtual Result<> remove(std::string_view name) = 0;
  /// RENAME INBOX moves its messages to the new mailbox (RFC 3501 section 6.3.5).
  [[nodiscard]] virtual Result<> rename(std::string_view from, std::string_view to) = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> subscriptions() = 0;
  [[nodiscard]] virtual Result<> subscribe(std::string_view name, bool on) = 0;
};

/// What happened between two snapshots of one mailbox.
struct Changes {
  std::vector<std::uint32_t> expunged;  ///< sequence numbers in `before`, highest first: ready to be sent one by one
  std::vector<std::uint32_t> flags;     ///< sequence numbers in `after` of old messages whose flags differ
  std::uint32_t added = 0;              ///< messages at the end of `after` that `before` has not
};
/// Compares snapshots of the same UIDVALIDITY; linear.
[[nodiscard]] Changes diff(const Snapshot& before, const Snapshot& after);

}  // namespace facteur::store
