// The selected mailbox as one client knows it. Sequence numbers mean what the client was last told: the session keeps
// that snapshot, compares it with the present one where RFC 3501 section 7.4.1 lets it, and tells the difference.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/store/mailbox.h"
#include "imapd/wire/limits.h"
#include "imapd/wire/sequence_set.h"

namespace facteur::imapd {

class Selected {
 public:
  using View = std::shared_ptr<const store::Snapshot>;

  /// Opens a mailbox and claims its recent messages. Its messages are counted, not read.
  [[nodiscard]] static Result<std::unique_ptr<Selected>> open(store::Account& account, const std::string& name,
                                                              bool read_only);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// RENAME from `from` to `to` has been done by this session: the mailbox stays selected, under its new name.
  void follow(const std::string& from, const std::string& to);
  [[nodiscard]] bool read_only() const { return mailbox_->read_only(); }
  [[nodiscard]] store::Mailbox& mailbox() { return *mailbox_; }
  [[nodiscard]] const store::Status& status() const { return status_; }
  [[nodiscard]] std::uint32_t messages() const;
  [[nodiscard]] std::uint32_t recent() const;
  /// Whether this session shows the message as \Recent.
  [[nodiscard]] bool is_recent(store::Uid uid) const { return contains(recent_, uid); }
  /// Reads the messages from the store, if that has not been done yet; tells keywords that SELECT could not tell.
  [[nodiscard]] Result<> load(std::string& out);
  /// What the client knows. Only after load().
  [[nodiscard]] const View& view() const { return view_; }
  /// The client has been told these flags of a message, or knows them without being told (.SILENT).
  void told(store::Uid uid, const store::Flags& flags) { told_.emplace_back(uid, flags); }

  /// A message of which the client has read a part (BODY[]<0.65536>) and will ask for the next. Opened anew for each
  /// part, a long message would be read again from its begin each time.
  void keep_content(store::Uid uid, std::unique_ptr<store::Content> content);
  /// The content that was kept of this message, if it was; in any case none is kept afterwards.
  [[nodiscard]] std::unique_ptr<store::Content> take_content(store::Uid uid);
  void forget_content() { content_.reset(); }

  /// Looks at the mailbox and finds what the client must be told; report() says it. Messages that are gone are kept
  /// in view unless `may_expunge`.
  /// Only after load().
  [[nodiscard]] Result<> refresh(bool may_expunge);
  /// Writes what refresh() found, up to about a slice; flags with the UID if asked (RFC 3501 section 6.4.8). True when
  /// all is said.
  [[nodiscard]] bool report(std::string& out, bool with_uids);

  /// "FLAGS (...)" and PERMANENTFLAGS, which change when a keyword is first used.
  void append_flags_responses(std::string& out, const std::vector<std::string>& keywords);

 private:
  Selected(std::unique_ptr<store::Mailbox> mailbox, std::string name);
  Result<View> next_view(bool may_expunge);
  void compare(const View& next);

  std::unique_ptr<store::Mailbox> mailbox_;
  std::string name_;
  store::Status status_;  ///< at SELECT: the client knows the mailbox by it until the view is read
  View view_;
  Ranges recent_;
  std::vector<std::pair<store::Uid, store::Flags>> told_;
  store::Uid content_uid_ = 0;
  std::unique_ptr<store::Content> content_;

  store::Changes changes_;  ///< found and not yet said
  std::size_t said_expunged_ = 0;
  std::size_t said_flags_ = 0;
  bool counts_changed_ = false;
  std::size_t keywords_told_ = 0;
};

/// `before` with the flags and the new messages of `after`, and with the messages that `after` has no more.
[[nodiscard]] Selected::View keep_expunged(const Selected::View& before, const Selected::View& after);

/// `now`, made to agree with counters told before it was read: messages expunged since are put back as empty records
/// (the client has seen no UID yet, so any that are free will do), and those added since are left out.
[[nodiscard]] Selected::View as_counted(const Selected::View& now, const store::Status& then);

}  // namespace facteur::imapd
