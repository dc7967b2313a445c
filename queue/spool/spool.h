// The folders of the queue on disk: who may use them, how messages come in, and how they go (FORMAT.md). All calls
// block and may be made from several threads of the work pool at once, for different messages.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/fs/files.h"
#include "queue/format/message.h"
#include "queue/spool/spares.h"

namespace facteur::queue {

enum class Folder : std::uint8_t { queue, hold, corrupt };

/// A place for a message: an empty file under its final name, open for writing.
struct NewSlot {
  std::string queue_id;
  Fd file;
};

/// A file in a folder, whatever it holds.
struct FoundFile {
  std::string name;
  std::uint64_t size = 0;
  std::int64_t changed = 0;  ///< seconds since 1970
};

/// A message that was found sound, and its file open for reading.
struct Loaded {
  Fd file;
  Message message;
};

/// The spool of one queued.
class Spool {
 public:
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  /// Makes the folders that are missing and takes the lock. Kind::permanent, with what to do in the text, if another
  /// queued has it or a folder has another owner. `files` must outlive the spool.
  [[nodiscard]] static Result<std::unique_ptr<Spool>> open(fs::Files& files, const std::string& path);

  /// Kind::temporary when fewer than `octets` are free for us on the file system.
  [[nodiscard]] Result<> has_space(std::uint64_t octets) const;
  /// Makes the files of these new queue ids and makes their names durable with one sync of the folder. All or none.
  [[nodiscard]] Result<std::vector<NewSlot>> make_slots(std::span<const std::string> queue_ids);
  /// Takes over a message that smtpd says is written and synced. Kind::temporary if somebody still has the file open
  /// for writing; Kind::corrupt if it is no regular file with one link, or not sound.
  [[nodiscard]] Result<Loaded> commit(const std::string& queue_id);
  /// Writes a message of queued's own, synced with its name. One that is there already, sound, is left as it is: a
  /// crash repeats the write under the same name.
  [[nodiscard]] Result<> write(const std::string& queue_id, std::string_view octets);

  /// Reads a message. With `verified`, before it is taken up, the whole of it is checked, and that nobody can write to
  /// it any more (Kind::temporary). Other errors as for queue::load(); ENODATA tells a file without octets apart.
  [[nodiscard]] Result<Loaded> load(Folder folder, const std::string& queue_id, bool verified);
  /// Puts records behind the log, which ends at `log_end`; cuts off what a crash tore first. Gives the new end.
  [[nodiscard]] Result<std::uint64_t> append(const std::string& queue_id, std::uint64_t log_end,
                                             std::string_view records, bool synced);
  /// Removes a message that is done with: its content is gone, and its file, unless it is kept for a new slot.
  [[nodiscard]] Result<> finish(const std::string& queue_id);
  /// Removes messages, or slots that nobody wants. A file that is gone is no error; the first other
  /// error is given when all were tried.
  [[nodiscard]] Result<> remove(Folder folder, std::span<const std::string> queue_ids);
  /// Moves a message to another folder, durable.
  [[nodiscard]] Result<> move(const std::string& queue_id, Folder from, Folder to);
  /// The queue ids in a folder, in no order; names that are none of ours are left out and counted.
  [[nodiscard]] Result<std::vector<std::string>> list(Folder folder, std::size_t& strangers);

  /// Every regular file in corrupt/, by name: messages that were set aside, and what master put there of the maildrop.
  [[nodiscard]] Result<std::vector<FoundFile>> list_corrupt();

 private:
  explicit Spool(fs::Files& files) : files_(files), spares_(files) {}
  [[nodiscard]] Result<Fd> new_file(const std::string& queue_id);
  Result<> open_folder(int spool, Folder folder);
  Result<> take_lock(int spool);
  [[nodiscard]] int directory(Folder folder) const { return folders_[static_cast<std::size_t>(folder)].get(); }

  fs::Files& files_;
  Fd folders_[3];
  Fd lock_;
  Spares spares_;
};

}  // namespace facteur::queue
