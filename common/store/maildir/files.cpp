// The folders of a Maildir.
#include "common/store/maildir/files.h"

#include <array>
#include <cerrno>
#include <fcntl.h>

#include "common/base/strings.h"
#include "common/fs/parent.h"
#include "common/store/content.h"

namespace facteur::store {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
constexpr mode_t directory_mode = 0700;
constexpr std::size_t chunk = 256 << 10;

/// Opens a folder inside `parent`; makes it if it is missing and `create` says so.
Result<Fd> open_folder(int parent, const std::string& name, int flags, bool create, bool& made, fs::Files& files) {
  auto fd = files.open(parent, name, directory_flags | flags);
  if (fd || !create || fd.error().errno_value != ENOENT) return fd;
  const auto created = files.make_directory(parent, name, directory_mode);
  if (!created && created.error().errno_value != EEXIST) return fail(created);
  made = true;
  return files.open(parent, name, directory_flags | flags);
}

/// Turns CRLF into LF over the pieces of a text: a CR at the end of a piece waits for the next one.
class LineEnds {
 public:
  std::string add(std::string_view piece) {
    std::string text = held_ ? "\r" : "";
    text += piece;
    held_ = text.ends_with('\r');
    if (held_) text.pop_back();
    return to_lf(text);
  }
  [[nodiscard]] std::string_view rest() const { return held_ ? "\r" : ""; }

 private:
  bool held_ = false;
};

}  // namespace

Result<MaildirFolders> MaildirFolders::open(const std::string& path, bool create, fs::Files& files) {
  MaildirFolders out;
  bool made = false;
  auto root = open_folder(AT_FDCWD, path, 0, create, made, files);
  if (!root) return fail(root);
  out.root = *std::move(root);
  const std::array<std::pair<const char*, Fd*>, 3> folders{{{"tmp", &out.tmp}, {"new", &out.fresh}, {"cur", &out.cur}}};
  for (const auto& [name, fd] : folders) {
    auto folder = open_folder(out.root.get(), name, O_NOFOLLOW, create, made, files);
    if (!folder) return fail(folder);
    *fd = *std::move(folder);
  }
  if (!made) return out;
  if (auto synced = files.sync(out.root.get()); !synced) return fail(synced);
  if (auto synced = fs::sync_parent(out.root.get(), files); !synced) return fail(synced);
  return out;
}

TemporaryMessage::TemporaryMessage(TemporaryMessage&& other) noexcept
    : tmp_(other.tmp_),
      files_(other.files_),
      name_(std::exchange(other.name_, {})),
      stored_(other.stored_),
      wire_(other.wire_),
      open_end_(other.open_end_) {
}

TemporaryMessage::~TemporaryMessage() {
  if (!name_.empty()) (void)files_->unlink(tmp_, name_);
}

Result<> TemporaryMessage::fill(std::string_view headers, Content& message, std::int64_t time) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  auto fd = files_->open(tmp_, name_, flags, 0600);
  if (!fd && fd.error().errno_value == EEXIST) {
    // The same delivery was cut off before: a name belongs to one delivery only, and that is this one.
    if (auto removed = files_->unlink(tmp_, name_); !removed) return removed;
    fd = files_->open(tmp_, name_, flags, 0600);
  }
  if (!fd) {
    name_.clear();
    return fail(fd);
  }
  LineEnds ends;
  std::string text = ends.add(headers);
  const auto put = [&]() -> Result<> {
    stored_ += text.size();
    wire_ += crlf_size(text);
    if (!text.empty()) open_end_ = text.back() != '\n';
    return files_->write(fd->get(), text);
  };
  for (std::uint64_t offset = 0;;) {
    const auto piece = message.read(offset, chunk);
    if (!piece) return fail(piece);
    offset += piece->size();
    text += ends.add(*piece);
    const bool last = piece->size() < chunk;
    if (last) text += ends.rest();
    if (auto written = put(); !written) return written;
    if (last) break;
    text.clear();
  }
  if (time != 0) {
    if (auto set = files_->set_time(fd->get(), time); !set) return set;
  }
  return files_->sync(fd->get());
}

Result<TemporaryMessage> TemporaryMessage::write(const MaildirFolders& folders, fs::Files& files, std::string name,
                                                 std::string_view headers, Content& message, std::int64_t time) {
  TemporaryMessage out(folders.tmp.get(), files, std::move(name));
  if (auto done = out.fill(headers, message, time); !done) return fail(done);
  return out;
}

Result<> TemporaryMessage::publish(int directory, const std::string& name) {
  auto renamed = files_->rename(tmp_, name_, directory, name);
  if (renamed) name_.clear();
  return renamed;
}

}  // namespace facteur::store
