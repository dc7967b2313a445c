// What a process knows of one Maildir mailbox: shared by all its sessions, so that a folder is read once for all of
// them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/store/index/index.h"
#include "common/store/maildir/dovecot_import.h"
#include "common/store/maildir/files.h"
#include "common/store/maildir/move_out.h"
#include "common/store/maildir/name.h"
#include "common/store/maildir/records.h"
#include "common/store/shared_sync.h"
#include "common/store/uids/list.h"
#include "common/store/watch.h"

namespace facteur::store {

struct KeywordLetters;

/// What a mailbox takes from its account.
struct MaildirOptions {
  fs::Files* files = &fs::system_files();
  std::string host = "localhost";  ///< part of new names
  std::function<Result<std::uint32_t>()> new_validity;
  decltype(UidListOptions::take_over) take_over;
  /// Writes down that a mailbox with this UIDVALIDITY is handed over to another server.
  std::function<Result<>(std::uint32_t)> write_down;
  std::shared_ptr<Index> index;  ///< may be nullptr
};

/// For several threads: every public function takes the mutex, and none keeps it over a call of another mailbox.
class MaildirCore : public std::enable_shared_from_this<MaildirCore> {
  struct Key {
    explicit Key() = default;
  };

 public:
  /// The one core of the mailbox in this folder, which exists. Missing tmp/, new/ and cur/ are made.
  [[nodiscard]] static Result<std::shared_ptr<MaildirCore>> of(const std::string& path, MaildirOptions options);

  /// Only for of(): a Key is not to be had elsewhere.
  MaildirCore(Key key, MaildirFolders folders, MaildirOptions options, std::shared_ptr<SharedSync> sync);

  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> snapshot();
  [[nodiscard]] Result<Status> status();
  [[nodiscard]] Result<Uid> first_recent(bool claim);
  [[nodiscard]] Result<std::unique_ptr<Content>> open(Uid uid);
  [[nodiscard]] Result<std::shared_ptr<const mime::Summary>> summary(Uid uid, mime::Aspects wanted);
  [[nodiscard]] Result<Appended> append(std::span<const NewMessage> messages);
  [[nodiscard]] Result<> change_flags(std::span<const Uid> uids, FlagChange how, std::uint8_t system_flags,
                                      const std::vector<std::string>& keywords);
  [[nodiscard]] Result<std::vector<Uid>> expunge(std::span<const Uid> uids);
  [[nodiscard]] Result<std::vector<UidRange>> expunged_since(std::uint64_t modseq);
  /// The folders to watch, as names that stay theirs when the mailbox is renamed.
  [[nodiscard]] std::vector<std::string> watched_folders() const;
  /// Writes what is known of the messages into the index, if there are many and something has changed. Not while
  /// somebody else is at work here.
  void keep_records();
  /// keep_records() for every mailbox of this process.
  static void keep_all_records();
  /// Links (or copies) messages of this mailbox into another one.
  [[nodiscard]] Result<Appended> copy_to(std::span<const Uid> uids, MaildirCore& target);
  /// Hands the mailbox over to Dovecot: it goes on with the same UIDVALIDITY, UIDs, flags and keywords, and whoever of
  /// us opens the mailbox next goes on with what Dovecot has made of it. One server at a time: nobody else may have it
  /// open.
  [[nodiscard]] Result<MovedOut> move_out();

 private:
  using Place = FileState::Place;
  /// A file that has no UID yet.
  struct Stranger {
    std::string name;
    Place place;
  };
  /// Files of messages beside those that are shown.
  using Twins = std::map<Uid, std::vector<Stranger>>;
  /// What its file says of it.
  struct Measured {
    UidEntry entry;
    CameAt came;
  };
  /// What a reading of the folders found.
  struct Found {
    std::vector<Stranger> strangers;
    std::vector<Uid> changed;  ///< messages whose flags differ
    std::vector<Uid> missing;
  };
  /// A message that was put into cur/ and has no UID yet.
  struct Placed {
    std::string name;
    std::uint64_t size = 0;
    bool open_end = false;
    std::int64_t date = 0;
    std::vector<std::string> keywords;
  };
  /// A file to copy.
  struct Source {
    Uid uid = 0;
    std::uint8_t system_flags = 0;
    Placed as;
  };

  // What changed since the folders were read: maildir/follow.cpp. All under mutex_.
  using NamesNow = std::map<std::pair<Place, std::string>, bool>;
  [[nodiscard]] bool watch_names();
  [[nodiscard]] Result<bool> follow(bool list_has_grown);
  [[nodiscard]] std::optional<Found> apply(const NamesNow& names);

  // Reading the folders: maildir/scan.cpp. All under mutex_.
  [[nodiscard]] Result<> refresh(bool anyway = false);
  [[nodiscard]] Result<> scan(bool anyway);
  [[nodiscard]] Result<> look(Found& found, bool again);
  void note(std::string name, Place place, Found& found, bool again);
  [[nodiscard]] Result<> read_folders();
  [[nodiscard]] Result<> settle(Found& found);
  void assign(UidList::Locked& list, UidEntry entry);
  [[nodiscard]] Result<std::optional<Measured>> measure(const Stranger& stranger);
  [[nodiscard]] Result<> same_folders();
  [[nodiscard]] Result<Stamp> stamp_of(int directory);
  [[nodiscard]] static bool is_settled(const Stamp& stamp);
  [[nodiscard]] bool cur_is_as_it_was();
  void linger();
  /// Makes snapshot_ from the list; false if a message of the list was not seen, unless that is to be passed over.
  [[nodiscard]] bool publish(bool anyway);
  /// publish(), after another reading if it wants one.
  [[nodiscard]] Result<> show();

  // To Dovecot and back: maildir/move_in.cpp and maildir/move_out.cpp. All under mutex_.
  using FilesByBase = std::map<std::string, Stranger, std::less<>>;
  [[nodiscard]] std::uint64_t bits_of_letters(UidList::Locked& list, std::string_view info);
  [[nodiscard]] Result<> read_letters();
  [[nodiscard]] Result<DovecotUids> read_dovecot();
  [[nodiscard]] Result<FilesByBase> files_by_base();
  [[nodiscard]] std::uint64_t keywords_now(UidState& state, const std::string& file, std::uint64_t before);
  [[nodiscard]] UidState state_by(const DovecotUids& dovecot, const FilesByBase& files, UidState& ours);
  [[nodiscard]] UidState seed();
  [[nodiscard]] Result<bool> take_back(UidState& state);
  [[nodiscard]] Result<> look_for_all();
  [[nodiscard]] Result<std::vector<std::string>> write_keywords();
  [[nodiscard]] Result<> name_by(UidEntry& entry, const KeywordLetters& letters);
  [[nodiscard]] Result<MovedOut> hand_over(UidList::Locked& list);

  // What the index remembers: maildir/remember.cpp. All under mutex_.
  /// What that depends on; nothing while the folders may change without another time.
  [[nodiscard]] std::optional<StateOfFiles> state_of_files();
  [[nodiscard]] bool knows(const StateOfFiles& files);
  void keep_counters();
  void restore();

  // Changes: maildir/change.cpp and maildir/append.cpp.
  [[nodiscard]] int directory_of(Place place) const;
  [[nodiscard]] static std::string file_name(const UidEntry& entry);
  /// Calls `act` on the entry of a message; again after a new look if it answers ENOENT. False if the message is gone.
  [[nodiscard]] Result<bool> with_file(Uid uid, const std::function<Result<>(UidEntry&)>& act);
  [[nodiscard]] Result<bool> set_system_flags(Uid uid, FlagChange how, std::uint8_t flags);
  [[nodiscard]] Result<std::uint64_t> define(FlagChange how, const std::vector<std::string>& keywords);
  [[nodiscard]] Result<Appended> adopt(std::vector<Placed>& placed);
  [[nodiscard]] Result<Appended> give_uids(const std::vector<Placed>& placed);
  void withdraw(const std::vector<Placed>& placed);
  [[nodiscard]] Result<> place(std::vector<TemporaryMessage>& written, std::span<const NewMessage> messages,
                               std::vector<Placed>& placed);
  [[nodiscard]] Result<std::vector<Source>> sources(std::span<const Uid> uids);
  [[nodiscard]] Result<> link_to(Source& source, MaildirCore& target);
  void take_out_of_new();

  // Messages with two files: maildir/twins.cpp.
  [[nodiscard]] Twins twins_of(std::span<const Uid> uids);
  [[nodiscard]] Result<bool> same_octets(const Stranger& a, const Stranger& b);
  [[nodiscard]] Result<> remove_twins(const UidEntry& entry, const std::vector<Stranger>& twins);
  [[nodiscard]] Result<> part_twins();
  [[nodiscard]] Result<> rename_to(UidEntry& entry, const std::string& info);

  std::mutex mutex_;
  MaildirFolders folders_;
  MaildirOptions options_;
  std::shared_ptr<SharedSync> cur_sync_;
  UidList list_;
  std::uint64_t scanned_generation_ = 0;  ///< of list_ when the folders were read; 0: never
  Stamp new_stamp_, cur_stamp_;           ///< of the folders before they were read
  bool settled_ = false;                  ///< a later change would have changed the stamps
  bool cur_is_known_ = false;             ///< the next reading may leave out cur/, if it is still as cur_stamp_ says
  std::uint32_t pass_ = 0;
  std::unique_ptr<NameWatch> names_;  ///< of new/ and cur/, from the second reading on
  bool odd_ = false;                  ///< the last reading saw a file it could not open, or two of one message
  std::optional<std::vector<std::string>> letters_;  ///< what Dovecot's keyword letters stand for
  std::shared_ptr<const Snapshot> snapshot_;
  Status status_;
  std::atomic<bool> loaded_ = false;  ///< there is a snapshot
  std::string kept_state_;            ///< under which the counters were last put into the index
  MaildirRecords records_;
};

}  // namespace facteur::store
