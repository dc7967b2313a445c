#include "master/maildrop.h"

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

}  // namespace

Maildrop::Maildrop(loop::Loop& loop, Supervisor& supervisor) : loop_(loop), supervisor_(supervisor), timer_(loop) {
}

void Maildrop::open() {
  const std::string path = supervisor_.settings().queue_directory + "/maildrop";
  auto folder = fs::system_files().open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!folder) return log::error("maildrop: {}", folder.error().text);
  folder_ = std::move(*folder);
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
  const auto names = fs::system_files().list(folder_.get(), ".");
  if (!names) return log::warning("maildrop: {}", names.error().text);
  for (const auto& name : *names) {
    // A dot name is still being written.
    if (name.starts_with('.') || passed_.contains(name)) continue;
    if (passed_.size() >= max_at_once) return;
    pass(*smtpd, name);
  }
}

void Maildrop::pass(Child& smtpd, const std::string& name) {
  auto file = fs::system_files().open(folder_.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return log::warning("maildrop: {}", file.error().text);
  const auto status = fs::system_files().status(file->get());
  if (!status) return log::warning("maildrop: {}", status.error().text);
  const auto limit = supervisor_.settings().message_size_limit;
  const bool fits = limit == 0 || static_cast<std::uint64_t>(status->st_size) <= limit;
  if (!S_ISREG(status->st_mode) || status->st_nlink != 1 || !fits) {
    passed_.insert(name);  // said once; an administrator looks at it
    return log::warning("maildrop: {} of uid {} is not a message: not a regular file, linked twice, or too large",
                        printable(name), status->st_uid);
  }
  if (smtpd.door->send(MaildropFile{name, status->st_uid, std::move(*file)})) passed_.insert(name);
}

void Maildrop::taken(const MaildropTaken& answer) {
  if (passed_.erase(answer.name) == 0 || !answer.taken) return;
  const auto removed = fs::system_files().unlink(folder_.get(), answer.name);
  if (!removed) log::warning("maildrop: {}", removed.error().text);
}

}  // namespace facteur::master
