#include "master/maildrop.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/log/log.h"

namespace facteur::master {
namespace {

constexpr Milliseconds period{5000};
constexpr std::size_t max_at_once = 20;
constexpr std::size_t max_ignored = 1000;
/// In corrupt/, before the names of messages that were refused for good.
constexpr const char* refused_prefix = "maildrop-";
constexpr std::size_t max_reason = 512;  ///< octets in the log

}  // namespace

Maildrop::Maildrop(loop::Loop& loop, Supervisor& supervisor) : loop_(loop), supervisor_(supervisor), timer_(loop) {
}

void Maildrop::open() {
  const auto& spool = supervisor_.settings().queue_directory;
  for (const auto& [fd, name] : {std::pair{&folder_, "/maildrop"}, std::pair{&corrupt_, "/corrupt"}}) {
    auto folder = fs::system_files().open(AT_FDCWD, spool + name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder) return log::error("maildrop: {}", folder.error().text);
    *fd = std::move(*folder);
  }
  timer_.repeat(period, [this] { look(); });
  loop_.post([this] { look(); });
}

void Maildrop::attach(Child& child) {
  if (child.program != "smtpd") return;
  child.door->on<MaildropTaken>([this](const MaildropTaken& answer) { taken(answer); });
}

void Maildrop::child_died(const Child& child) {
  if (child.program == "smtpd") passed_.clear();  // whoever had one passes it again
}

void Maildrop::look() {
  Child* smtpd = supervisor_.current("smtpd");
  if (smtpd == nullptr || !smtpd->ready) return;
  auto names = fs::system_files().list(folder_.get(), ".");
  if (!names) return log::warning("maildrop: {}", names.error().text);
  std::ranges::sort(*names);
  std::erase_if(ignored_, [&](const std::string& name) { return !std::ranges::binary_search(*names, name); });
  std::ranges::rotate(*names, std::ranges::upper_bound(*names, last_));
  for (const auto& name : *names) {
    // A dot name is still being written.
    if (name.starts_with('.') || passed_.contains(name) || ignored_.contains(name)) continue;
    if (passed_.size() >= max_at_once) return;
    pass(*smtpd, name);
  }
}

void Maildrop::pass(Child& smtpd, const std::string& name) {
  auto file = fs::system_files().open(folder_.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return ignore(name, file.error().text);
  const auto status = fs::system_files().status(file->get());
  if (!status) return ignore(name, status.error().text);
  const auto limit = supervisor_.settings().message_size_limit;
  const bool fits = limit == 0 || static_cast<std::uint64_t>(status->st_size) <= limit;
  if (!S_ISREG(status->st_mode) || status->st_nlink != 1 || !fits) {
    return ignore(name, fmt::format("of uid {}: not a regular file, linked twice, or too large", status->st_uid));
  }
  if (!smtpd.door->send(MaildropFile{name, status->st_uid, std::move(*file)})) return;
  passed_.insert(name);
  last_ = name;
}

void Maildrop::ignore(const std::string& name, const std::string& why) {
  if (ignored_.size() >= max_ignored) return;  // somebody plays; he is not heard any more
  ignored_.insert(name);
  log::warning("maildrop: {} is not a message: {}", printable(name), why);
}

void Maildrop::taken(const MaildropTaken& answer) {
  if (passed_.erase(answer.name) == 0 || answer.taken == Taken::later) return;
  if (answer.taken == Taken::refused) return set_aside(answer.name, answer.why);
  if (auto removed = fs::system_files().unlink(folder_.get(), answer.name); !removed) {
    log::warning("maildrop: {}", removed.error().text);
  }
}

/// Whoever left the file may have put something else in its place meanwhile: that is no message, and is not kept.
void Maildrop::set_aside(const std::string& name, const std::string& why) {
  auto& files = fs::system_files();
  const auto kept = refused_prefix + name;
  const auto reason = printable(why, max_reason);
  // Not renamed: whoever names his file like one that is kept there would write over it.
  auto moved = files.link(folder_.get(), name, corrupt_.get(), kept);
  if (moved) moved = files.unlink(folder_.get(), name);
  if (!moved) {
    ignored_.insert(name);  // not again and again
    return log::error("maildrop: {} is refused: {}; it stays there: {}", printable(name), reason, moved.error().text);
  }
  const auto status = files.status_at(corrupt_.get(), kept);
  if (status && !S_ISREG(status->st_mode)) (void)files.unlink(corrupt_.get(), kept);
  log::error("maildrop: {} of uid {} is refused: {}; it is kept as corrupt/{}", printable(name),
             status ? std::to_string(status->st_uid) : "?", reason, printable(kept));
}

}  // namespace facteur::master
