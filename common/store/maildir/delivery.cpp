// Delivery into a Maildir.
#include "common/store/maildir/delivery.h"

#include <fcntl.h>
#include <utility>

#include "common/store/content.h"
#include "common/store/maildir/name.h"

namespace facteur::store {
namespace {

constexpr std::size_t chunk = 256 << 10;

/// True if `file` is this delivery's: its stable name, or that and sizes and flags.
bool is_own(std::string_view file, std::string_view name) {
  return file.starts_with(name) && (file.size() == name.size() || file[name.size()] == ',' || file[name.size()] == ':');
}

}  // namespace

Result<std::unique_ptr<MailboxDelivery>> MaildirDelivery::open(const std::string& path, std::string host,
                                                               fs::Files& files) {
  auto folders = MaildirFolders::open(path, true, files);
  if (!folders) return fail(folders);
  auto sync = SharedSync::of(folders->fresh.get(), files);
  if (!sync) return fail(sync);
  return std::make_unique<MaildirDelivery>(*std::move(folders), std::move(host), files, *std::move(sync));
}

Result<std::string> MaildirDelivery::deliver(const Delivery& delivery) {
  const auto name = delivery_name(delivery.arrival, delivery.queue_id, delivery.recipient, host_);
  if (!delivery.first_attempt) {
    bool found = false;
    auto repeated = repeat(delivery, name, found);
    if (!repeated || found) return repeated;
  }
  auto message = TemporaryMessage::write(folders_, *files_, name, delivery.headers, *delivery.message);
  if (!message) return fail(message);
  auto file = with_sizes(name, message->stored(), message->wire());
  if (auto published = message->publish(folders_.fresh.get(), file); !published) return fail(published);
  if (auto synced = sync_->sync(folders_.fresh.get(), *files_); !synced) return fail(synced);
  return file;
}

Result<std::string> MaildirDelivery::repeat(const Delivery& delivery, const std::string& name, bool& found) const {
  for (const int directory : {folders_.fresh.get(), folders_.cur.get()}) {
    const auto files = files_->list(directory, ".");
    if (!files) return fail(files);
    for (const auto& file : *files) {
      if (!is_own(file, name)) continue;
      found = true;
      if (auto confirmed = confirm(directory, file, name, delivery); !confirmed) return fail(confirmed);
      return file;
    }
  }
  return std::string();
}

Result<> MaildirDelivery::confirm(int directory, const std::string& file, const std::string& name,
                                  const Delivery& delivery) const {
  const auto equal = same(directory, file, delivery);
  if (!equal) return fail(equal);
  if (!*equal) {
    // The file is not what it was to be, say after a power cut: a whole one takes its place and keeps its flags.
    auto message = TemporaryMessage::write(folders_, *files_, name, delivery.headers, *delivery.message);
    if (!message) return fail(message);
    if (auto published = message->publish(directory, file); !published) return published;
  }
  return files_->sync(directory);
}

/// Compares octets, and syncs a file that is the same: the attempt that wrote it may have been cut off.
Result<bool> MaildirDelivery::same(int directory, const std::string& file, const Delivery& delivery) const {
  const auto fd = files_->open(directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd);
  const auto status = files_->status(fd->get());
  if (!status) return fail(status);
  if (!S_ISREG(status->st_mode)) return false;
  std::string text(delivery.headers);
  std::uint64_t in_file = 0;
  for (std::uint64_t offset = 0;;) {
    const auto piece = delivery.message->read(offset, chunk);
    if (!piece) return fail(piece);
    offset += piece->size();
    text += *piece;
    const bool last = piece->size() < chunk;
    const bool held = !last && text.ends_with('\r');
    if (held) text.pop_back();
    const auto wanted = to_lf(text);
    const auto there = files_->read_at(fd->get(), in_file, wanted.size());
    if (!there) return fail(there);
    if (*there != wanted) return false;
    in_file += wanted.size();
    text = held ? "\r" : "";
    if (last) break;
  }
  if (in_file != static_cast<std::uint64_t>(status->st_size)) return false;
  if (auto synced = files_->sync(fd->get()); !synced) return fail(synced);
  return true;
}

}  // namespace facteur::store
