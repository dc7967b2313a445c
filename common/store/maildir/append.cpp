// Messages that come: by APPEND, and by COPY from another mailbox.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/log/log.h"
#include "common/store/content.h"
#include "common/store/copy.h"
#include "common/store/flags.h"
#include "common/store/maildir/core.h"

namespace facteur::store {
namespace {

/// A file whose inode has not changed for so long was written to the disk by the kernel (dirty_expire_centisecs is 30
/// s).
constexpr std::int64_t surely_written = 120;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<Seconds>(wall_now().time_since_epoch()).count();
}

}  // namespace

void MaildirCore::withdraw(const std::vector<Placed>& placed) {
  for (const auto& message : placed) (void)options_.files->unlink(folders_.cur.get(), message.name);
}

/// Renames the written messages into cur/, in their order.
Result<> MaildirCore::place(std::vector<TemporaryMessage>& written, std::span<const NewMessage> messages,
                            std::vector<Placed>& placed) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& message = messages[i];
    auto name = with_sizes(unique_name(options_.host), written[i].stored(), written[i].wire()) +
                info_for({}, message.system_flags);
    if (auto done = written[i].publish(folders_.cur.get(), name); !done) return done;
    placed.push_back({.name = std::move(name),
                      .size = written[i].wire(),
                      .open_end = written[i].open_end(),
                      .date = message.internal_date,
                      .keywords = message.keywords});
  }
  return {};
}

Result<Appended> MaildirCore::append(std::span<const NewMessage> messages) {
  if (auto good = check_keywords(messages); !good) return fail(good);
  // The file's time says the same as the list: for whoever has only the file.
  std::vector<NewMessage> dated(messages.begin(), messages.end());
  for (auto& message : dated) {
    if (message.internal_date == 0) message.internal_date = seconds_now();
  }
  // Written without the mutex: the octets may come from another mailbox, from which somebody copies to this one.
  std::vector<TemporaryMessage> written;
  for (const auto& message : dated) {
    NewContent content(message);
    auto one = TemporaryMessage::write(folders_, *options_.files, unique_name(options_.host), {}, content,
                                       message.internal_date);
    if (!one) return fail(one);
    written.push_back(*std::move(one));
  }
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  std::vector<Placed> placed;
  if (auto done = place(written, dated, placed); !done) {
    withdraw(placed);
    return fail(done);
  }
  return adopt(placed);
}

/// Makes files that stand in cur/ durable messages with UIDs, or takes them away again.
Result<Appended> MaildirCore::adopt(std::vector<Placed>& placed) {
  if (placed.empty()) return Appended{list_.state().uid_validity, {}};
  auto synced = cur_sync_->sync(folders_.cur.get(), *options_.files);
  auto appended = synced ? give_uids(placed) : Result<Appended>(fail(synced));
  if (!appended) {
    withdraw(placed);
    return appended;
  }
  // They are kept now, whatever the next look at the folders says.
  if (auto done = show(); !done) log::warning("{}", done.error().text);
  return appended;
}

Result<Appended> MaildirCore::give_uids(const std::vector<Placed>& placed) {
  auto list = list_.lock();
  if (!list) return fail(list);
  (void)list->next_modseq();
  Appended appended{.uid_validity = list_.state().uid_validity, .uids = {}};
  for (const auto& message : placed) {
    const auto parsed = parse_maildir_name(message.name);
    check(parsed.has_value(), "a name that we made is none");
    const auto bits = list->define_what_fits(message.keywords);
    const FileState file{Place::in_cur, parsed->flags, pass_, std::string(parsed->info)};
    // Another process may have seen the file, and given it a UID.
    Uid uid = list_.state().uid_of(parsed->base);
    if (uid == 0) {
      UidEntry entry;
      entry.base = parsed->base;
      entry.size = message.size;
      entry.open_end = message.open_end;
      entry.date = message.date;
      uid = list->assign(std::move(entry));
    }
    list_.state().find(uid)->file = file;
    list->set_keywords(uid, bits);
    appended.uids.push_back(uid);
  }
  if (auto done = list->commit(); !done) return fail(done);
  return appended;
}

Result<std::vector<MaildirCore::Source>> MaildirCore::sources(std::span<const Uid> uids) {
  const std::scoped_lock lock(mutex_);
  if (auto done = refresh(); !done) return fail(done);
  std::vector<Source> out;
  for (const Uid uid : uids) {
    const auto* entry = list_.state().find(uid);
    if (entry == nullptr || entry->file.place == Place::missing) continue;
    out.push_back({.uid = uid,
                   .system_flags = entry->file.system_flags,
                   .as = {.name = {},
                          .size = entry->size,
                          .open_end = entry->open_end,
                          .date = entry->date,
                          .keywords = keyword_names(list_.state().keywords, entry->keywords)}});
  }
  return out;
}

/// A second name for the file of a message, in cur/ of the target. The octets are on disk before it is told.
Result<> MaildirCore::link_to(Source& source, MaildirCore& target) {
  const std::scoped_lock lock(mutex_);
  auto& files = *options_.files;
  const auto linked = with_file(source.uid, [&](UidEntry& entry) -> Result<> {
    const int directory = directory_of(entry.file.place);
    const auto name = file_name(entry);
    const auto status = files.status_at(directory, name);
    if (!status) return fail(status);
    if (seconds_now() - status->st_ctim.tv_sec < surely_written) {
      const auto fd = files.open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (!fd) return fail(fd);
      if (auto synced = files.sync(fd->get()); !synced) return synced;
    }
    source.as.name =
        with_sizes(unique_name(target.options_.host), static_cast<std::uint64_t>(status->st_size), source.as.size) +
        info_for({}, source.system_flags);
    return files.link(directory, name, target.folders_.cur.get(), source.as.name);
  });
  if (!linked) return fail(linked);
  if (!*linked) source.as.name.clear();
  return {};
}

Result<Appended> MaildirCore::copy_to(std::span<const Uid> uids, MaildirCore& target) {
  auto copied = sources(uids);
  if (!copied) return fail(copied);
  std::vector<Placed> placed;
  std::vector<Uid> taken;
  for (auto& source : *copied) {
    auto linked = link_to(source, target);
    if (!linked) {
      target.withdraw(placed);
      return fail(linked);
    }
    if (source.as.name.empty()) continue;
    placed.push_back(std::move(source.as));
    taken.push_back(source.uid);
  }
  const std::scoped_lock lock(target.mutex_);
  if (auto done = target.refresh(); !done) {
    target.withdraw(placed);
    return fail(done);
  }
  auto appended = target.adopt(placed);
  if (appended) appended->sources = std::move(taken);
  return appended;
}

}  // namespace facteur::store
