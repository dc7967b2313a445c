// Reading what queued handed over.

#include "delivery/local/message_content.h"

#include <fcntl.h>
#include <utility>

#include "common/fs/files.h"
#include "common/mime/header.h"

namespace facteur::local {

Result<MessageContent> MessageContent::open(std::shared_ptr<const Fd> file, bool content_only) {
  auto& files = fs::system_files();
  if (!content_only) {
    const auto content = queue::Content::open(files, file->get());
    if (!content) return fail(content);
    return MessageContent(std::move(file), *content, content->size());
  }
  constexpr int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(file->get(), F_GET_SEALS);
  if (seals < 0 || (seals & wanted) != wanted)
    return fail(Kind::corrupt, "a message came in memory that is not sealed");
  const auto status = files.status(file->get());
  if (!status) return fail(status);
  return MessageContent(std::move(file), std::nullopt, static_cast<std::uint64_t>(status->st_size));
}

Result<std::string> MessageContent::read(std::uint64_t offset, std::size_t most) {
  if (!in_queue_) return fs::system_files().read_at(file_->get(), offset, most);
  // A reader gets less than it asked for only at the end, but a queue file also stops where content joins the headers.
  std::string octets;
  while (octets.size() < most && offset + octets.size() < size_) {
    auto piece = in_queue_->read(offset + octets.size(), most - octets.size());
    if (!piece) return piece;
    octets = octets.empty() ? std::move(*piece) : octets + *piece;
  }
  return octets;
}

Result<std::string> MessageContent::header() {
  constexpr std::size_t usual = 16 * 1024;
  for (const std::size_t most : {usual, max_header}) {
    auto octets = read(0, most);
    if (!octets) return octets;
    const auto size = mime::header_size(*octets);
    const bool whole = size < octets->size() || octets->size() == size_;
    if (whole || most == max_header) return octets->substr(0, size);
  }
  return std::string();
}

}  // namespace facteur::local
