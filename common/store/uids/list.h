// The file facteur-uids of a mailbox: read and written under its lock, synced before a UID is told (FORMAT.md).
#pragma once

#include <fcntl.h>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/fs/files.h"
#include "common/store/file_lock.h"
#include "common/store/uids/state.h"

namespace facteur::store {

/// What a list needs from around it.
struct UidListOptions {
  fs::Files* files = &fs::system_files();
  Milliseconds lock_wait{5000};
  /// A UIDVALIDITY that no mailbox of the account has had.
  std::function<Result<std::uint32_t>()> new_validity;
  /// The state of a list that does not exist yet: what another server left, or nothing (valid() false).
  std::function<UidState()> seed;
  /// Calls `link` if the account takes over this UIDVALIDITY of another server for the first time; else false: UIDs
  /// that were given under it since could come again.
  std::function<Result<bool>(std::uint32_t validity, const std::function<Result<>()>& link)> take_over;
  /// Brings the state of a list that was handed over up to what another server has made of the mailbox since. False if
  /// the UIDs of that are not known, or contradict ours: the messages get new ones then.
  std::function<Result<bool>(UidState& state)> take_back;
};

/// True if the list in this folder was handed over and not taken back. False if there is none.
[[nodiscard]] Result<bool> is_handed_over(int directory, fs::Files& files);

/// One mailbox's list. Not for several threads at once.
class UidList {
 public:
  static constexpr const char* file_name = "facteur-uids";
  static constexpr int open_flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK;

  /// `directory` is the open folder of the list, which must outlive it.
  UidList(int directory, UidListOptions options);

  /// What was read last. Reading further may change it, so it is used under a lock, or for what may be a little old.
  [[nodiscard]] UidState& state() { return state_; }
  /// True if the file is as it was when it was read last: nothing to read, as far as can be seen without its lock.
  [[nodiscard]] bool unchanged() const;
  /// Takes a state that was kept elsewhere in place of reading the file, which was then this one and so long. It stays
  /// open, as one that was read does: its inode does not come again while we believe in it.
  void adopt(UidState state, Fd file, std::uint64_t inode, std::uint64_t size);
  /// Changes when the state was read anew from the start: what was kept beside its entries (UidEntry::file) is lost
  /// then.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// Octets of the file that are in state(): with generation() it tells whether others have written.
  [[nodiscard]] std::uint64_t used() const { return used_; }

  /// The lock: while it lives the list is read to its end and may be changed. Changes are in state() at once, and on
  /// disk with commit(). What was not committed at the end is forgotten.
  class Locked {
   public:
    Locked(Locked&& other) noexcept;
    Locked& operator=(Locked&&) = delete;
    Locked(const Locked&) = delete;
    ~Locked();

    /// Gives a base name the next UID. At most `max_assigned_at_once` per lock.
    Uid assign(UidEntry entry);
    /// Bits of these keywords, defined where they are new. Kind::permanent as add_keywords().
    [[nodiscard]] Result<std::uint64_t> define(const std::vector<std::string>& keywords);
    /// The same of a message that is kept whatever its keywords are: for those that find no room there is no bit.
    std::uint64_t define_what_fits(const std::vector<std::string>& keywords);
    void set_keywords(Uid uid, std::uint64_t bits);
    void forget(Uid uid);
    void set_first_recent(Uid uid);
    /// The next mod-sequence.
    std::uint64_t next_modseq();
    /// Writes the changes, and syncs them if UIDs were assigned or a ceiling moved. After an error none of them is
    /// made.
    [[nodiscard]] Result<> commit();
    /// Hands the mailbox over to another server, all of whose files are on disk: durable. Whoever of us locks the list
    /// from now on takes it back first. After an error it may or may not be handed over.
    [[nodiscard]] Result<> hand_over();

   private:
    friend class UidList;
    Locked(UidList& list, FileLock lock) : list_(&list), lock_(std::move(lock)) {}
    void put(std::string_view line) { pending_ += line; }
    void raise_ceilings();

    UidList* list_;
    FileLock lock_;
    std::string pending_;
    bool durable_ = false;
    Uid assigned_ = 0;
  };
  [[nodiscard]] Result<Locked> lock();

 private:
  [[nodiscard]] Result<> open_file();
  [[nodiscard]] Result<> create_file();
  [[nodiscard]] Result<bool> create_seeded();
  [[nodiscard]] Result<> write_and(const std::function<Result<>(const std::string& name)>& link);
  [[nodiscard]] Result<FileLock> lock_current();
  [[nodiscard]] Result<> read_on();
  [[nodiscard]] Result<> repair(FileLock& lock);
  [[nodiscard]] Result<bool> take_back();
  [[nodiscard]] Result<> replace(FileLock& lock);
  [[nodiscard]] Result<> append(std::string_view lines, bool durable);
  [[nodiscard]] Result<Fd> write_new(const std::string& name);
  [[nodiscard]] Result<std::uint32_t> higher_validity();
  void forget_state();
  void note_told();

  int directory_;
  UidListOptions options_;
  Fd file_;
  std::uint64_t inode_ = 0;
  std::uint64_t used_ = 0;  ///< octets of the file that are in state_
  std::uint64_t generation_ = 1;
  /// The UIDs below this one may have been told, under this UIDVALIDITY: a list that knows less is an older one.
  Uid told_next_ = 0;
  std::uint32_t told_validity_ = 0;
  bool must_replace_ = false;  ///< a sync failed: the file's pages are not to be trusted
  UidState state_;
};

/// When this machine was started, seconds since 1970, as well as the clocks tell.
[[nodiscard]] std::uint64_t boot_time();

}  // namespace facteur::store
