#include "pop3d/session/download.h"

#include <fmt/format.h>
#include <utility>

namespace facteur::pop3d {

/// What the jobs of one download share, one job at a time.
struct Download::Work {
  std::shared_ptr<store::Mailbox> mailbox;
  store::Uid uid = 0;
  bool open_end = false;
  std::optional<TopFilter> top;
  std::unique_ptr<store::Content> content;
  ByteStuffer stuffer;
  std::uint64_t offset = 0;
  Result<Slice> result;

  Result<Slice> read();
  Result<> open(std::string& wire);
};

Download::Download(std::shared_ptr<store::Mailbox> mailbox, const store::Record& message,
                   std::optional<std::uint64_t> body_lines)
    : work_(std::make_shared<Work>()) {
  work_->mailbox = std::move(mailbox);
  work_->uid = message.uid;
  work_->open_end = message.open_end;
  if (body_lines) work_->top.emplace(*body_lines);
}

Ticket Download::next(Executor& executor, Callback callback) {
  return executor.run([work = work_] { work->result = work->read(); },
                      [work = work_, callback = std::move(callback)] { callback(std::exchange(work->result, {})); });
}

Result<> Download::Work::open(std::string& wire) {
  auto opened = mailbox->open(uid);
  if (!opened) return fail(opened);
  content = std::move(*opened);
  wire =
      top ? "+OK Top of message follows\r\n" : fmt::format("+OK {} octets\r\n", content->size() + (open_end ? 2 : 0));
  return {};
}

/// The count told first is that of the content. Should the file turn out shorter or longer, the reply is broken off,
/// and with it the connection: a client must not take a part for the whole.
Result<Download::Slice> Download::Work::read() {
  Slice slice;
  if (!content) {
    if (auto opened = open(slice.wire); !opened) return fail(opened);
  }
  auto octets = content->read(offset, slice_octets);
  if (!octets) return fail(octets);
  offset += octets->size();
  if (octets->size() < slice_octets && offset != content->size()) {
    return fail(Kind::temporary,
                fmt::format("message of UID {} has {} octets instead of {}", uid, offset, content->size()));
  }
  std::string_view send = *octets;
  if (top) send = send.substr(0, top->feed(send));
  slice.wire.reserve(slice.wire.size() + send.size() + send.size() / 64 + 16);
  stuffer.write(send, slice.wire);
  slice.last = offset >= content->size() || (top && top->done());
  if (slice.last) stuffer.finish(slice.wire);
  return slice;
}

}  // namespace facteur::pop3d
