// Mailboxes as folders of Maildir++.
#include "common/store/maildir/account.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include "common/base/encode.h"
#include "common/base/modified_utf7.h"
#include "common/base/random.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/store/account_lock.h"
#include "common/store/mailbox_name.h"
#include "common/store/maildir/mailbox.h"
#include "common/store/remove_tree.h"
#include "common/store/subscriptions.h"

namespace facteur::store {
namespace {

constexpr std::string_view inbox = "INBOX";
constexpr std::size_t max_file_name = 255;
/// Where folders go before they are emptied. Two dots: no mailbox has such a name.
constexpr std::string_view removed_prefix = "..facteur-removed.";

std::unexpected<Error> refuse(std::string_view name, std::string_view why) {
  return fail(Kind::permanent, "mailbox " + printable(name, 64) + " " + std::string(why));
}

/// The canonical name and its folder.
struct Place {
  std::string name;
  std::string folder;
};

Result<Place> place_of(std::string_view name) {
  auto canonical = canonical_name(name);
  if (!canonical) return fail(canonical);
  auto folder = maildir_folder(*canonical);
  if (!folder) return fail(folder);
  return Place{*std::move(canonical), *std::move(folder)};
}

}  // namespace

Result<std::string> maildir_folder(std::string_view canonical_name) {
  if (canonical_name == inbox) return std::string();
  std::string out;
  for (const auto level : split(canonical_name, '/')) {
    if (level.find('.') != std::string_view::npos)
      return refuse(canonical_name, "has a '.': Maildir++ cannot keep that");
    out += '.' + to_modified_utf7(level);
  }
  if (out.size() > max_file_name) return refuse(canonical_name, "is too long for a folder");
  return out;
}

Result<std::string> mailbox_of_folder(std::string_view folder) {
  const auto refuse_folder = [&] { return refuse(folder, "is no folder of a mailbox"); };
  if (!folder.starts_with('.')) return refuse_folder();
  std::vector<std::string> levels;
  for (const auto level : split(folder.substr(1), '.')) {
    auto decoded = from_modified_utf7(level);
    if (!decoded || decoded->empty() || decoded->find_first_of("/.") != std::string::npos) return refuse_folder();
    levels.push_back(*std::move(decoded));
  }
  auto name = canonical_name(join(levels, "/"));
  if (name && *name == inbox) return refuse_folder();
  return name;
}

Result<std::unique_ptr<Account>> MaildirAccount::open_root(const std::string& root, Options options) {
  auto folders = MaildirFolders::open(root, true, *options.files);
  if (!folders) return fail(folders);
  return std::make_unique<MaildirAccount>(root, std::make_shared<Fd>(std::move(folders->root)), std::move(options));
}

Result<std::unique_ptr<MaildirAccount>> MaildirAccount::open_existing(const std::string& root, Options options) {
  auto directory = options.files->open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!directory) return fail(directory);
  return std::make_unique<MaildirAccount>(root, std::make_shared<Fd>(*std::move(directory)), std::move(options));
}

MaildirAccount::MaildirAccount(std::string root, std::shared_ptr<Fd> directory, Options options)
    : root_(std::move(root)), directory_(std::move(directory)), options_(std::move(options)) {
}

/// True if the folder is there with a cur/ in it, and is no link.
bool MaildirAccount::exists(const std::string& folder) {
  if (folder.empty()) return true;
  const auto status = options_.files->status_at(directory_->get(), folder);
  if (!status || !S_ISDIR(status->st_mode)) return false;
  const auto cur = options_.files->status_at(directory_->get(), folder + "/cur");
  return cur && S_ISDIR(cur->st_mode);
}

Result<std::set<std::string>> MaildirAccount::names() {
  const auto entries = options_.files->list(directory_->get(), ".");
  if (!entries) return fail(entries);
  std::set<std::string> out{std::string(inbox)};
  for (const auto& entry : *entries) {
    auto name = mailbox_of_folder(entry);
    if (name && exists(entry)) out.insert(*std::move(name));
  }
  return out;
}

Result<std::vector<Listed>> MaildirAccount::list() {
  const auto all = names();
  if (!all) return fail(all);
  auto out = listing(*all);
  for (auto& listed : out) {
    if (!listed.selectable) continue;
    // Files in new/ are those that no session has claimed yet.
    const auto folder = maildir_folder(listed.name).value_or(std::string());
    const auto fresh = options_.files->list(directory_->get(), folder.empty() ? "new" : folder + "/new");
    listed.recent = fresh && !fresh->empty();
  }
  return out;
}

Result<std::shared_ptr<MaildirCore>> MaildirAccount::core(const std::string& name) {
  const auto place = place_of(name);
  if (!place) return fail(place);
  if (!exists(place->folder)) return refuse(name, "does not exist");
  const auto validity = [directory = directory_, files = options_.files]() -> Result<std::uint32_t> {
    auto lock = AccountLock::take(directory->get(), *files);
    if (!lock) return fail(lock);
    return lock->next_uid_validity();
  };
  const auto take_over = [directory = directory_, files = options_.files](
                             std::uint32_t foreign, const std::function<Result<>()>& link) -> Result<bool> {
    auto lock = AccountLock::take(directory->get(), *files);
    if (!lock) return fail(lock);
    const auto first = lock->take_over(foreign);
    if (!first || !*first) return first;
    if (auto linked = link(); !linked) return fail(linked);
    return true;
  };
  const auto write_down = [directory = directory_, files = options_.files](std::uint32_t given_away) -> Result<> {
    auto lock = AccountLock::take(directory->get(), *files);
    if (!lock) return fail(lock);
    return lock->write_down(given_away);
  };
  return MaildirCore::of(root_ + '/' + place->folder, {.files = options_.files,
                                                       .host = options_.host,
                                                       .new_validity = validity,
                                                       .take_over = take_over,
                                                       .write_down = write_down,
                                                       .index = options_.index});
}

Result<std::unique_ptr<Mailbox>> MaildirAccount::open(std::string_view name, bool read_only) {
  auto found = core(std::string(name));
  if (!found) return fail(found);
  const auto folder = place_of(name)->folder;
  return std::make_unique<MaildirMailbox>(*std::move(found), root_ + '/' + folder, read_only);
}

Result<Status> MaildirAccount::status(std::string_view name) {
  const auto found = core(std::string(name));
  if (!found) return fail(found);
  return (*found)->status();
}

Result<MovedOut> MaildirAccount::move_out(std::string_view name) {
  const auto found = core(std::string(name));
  if (!found) return fail(found);
  return (*found)->move_out();
}

Result<> MaildirAccount::create(std::string_view name) {
  const auto place = place_of(name);
  if (!place) return fail(place);
  auto& files = *options_.files;
  const auto made = place->folder.empty() ? Result<>(fail_errno("mkdir", EEXIST))
                                          : files.make_directory(directory_->get(), place->folder, 0700);
  if (!made && made.error().errno_value != EEXIST) return made;
  if (!made && exists(place->folder)) return refuse(name, "exists");
  // Made now, or left half-made by a crash.
  const auto folders = MaildirFolders::open(root_ + '/' + place->folder, true, files);
  if (!folders) return fail(folders);
  if (auto marked = files.open(folders->root.get(), "maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW, 0600); !marked) {
    return fail(marked);
  }
  return files.sync(directory_->get());
}

Result<> MaildirAccount::remove(std::string_view name) {
  const auto place = place_of(name);
  if (!place) return fail(place);
  if (place->name == inbox) return refuse(name, "cannot be deleted");
  if (!exists(place->folder)) return refuse(name, "does not exist");
  auto& files = *options_.files;
  const auto aside = std::string(removed_prefix) + hex_encode(random_octets(8));
  if (auto moved = files.rename(directory_->get(), place->folder, directory_->get(), aside); !moved) return moved;
  if (auto synced = files.sync(directory_->get()); !synced) return synced;
  const auto fresh = files.status_at(directory_->get(), aside + "/new");
  if (fresh && options_.index) options_.index->forget_records(std::to_string(fresh->st_ino));
  // The mailbox is gone; what a crash or a failure leaves of it goes with the next one.
  for (const auto& entry : files.list(directory_->get(), ".").value_or(std::vector<std::string>())) {
    if (!entry.starts_with(removed_prefix)) continue;
    if (auto emptied = remove_tree(directory_->get(), entry, files); !emptied) log::warning("{}", emptied.error().text);
  }
  return {};
}

Result<> MaildirAccount::move_inbox(const std::string& to) {
  if (auto created = create(to); !created) return created;
  const auto source = open(inbox, false);
  if (!source) return fail(source);
  const auto target = open(to, false);
  if (!target) return fail(target);
  const auto snapshot = (*source)->snapshot();
  if (!snapshot) return fail(snapshot);
  std::vector<Uid> uids;
  for (const auto& record : (*snapshot)->records) uids.push_back(record.uid);
  const auto copied = (*source)->copy(uids, **target);
  if (!copied) return fail(copied);
  if (auto expunged = (*source)->expunge(copied->sources); !expunged) return fail(expunged);
  return {};
}

/// Renames folders one after the other; when one fails those before it are named back.
Result<> MaildirAccount::rename_all(const std::vector<std::pair<std::string, std::string>>& moves) {
  auto& files = *options_.files;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    auto renamed = files.rename(directory_->get(), moves[i].first, directory_->get(), moves[i].second);
    if (renamed) continue;
    while (i-- > 0) (void)files.rename(directory_->get(), moves[i].second, directory_->get(), moves[i].first);
    return renamed;
  }
  return files.sync(directory_->get());
}

Result<> MaildirAccount::rename(std::string_view from, std::string_view to) {
  const auto source = place_of(from);
  const auto target = place_of(to);
  if (!source) return fail(source);
  if (!target) return fail(target);
  if (exists(target->folder)) return refuse(to, "exists");
  if (source->name == inbox) return move_inbox(target->name);
  if (is_below(target->name, source->name)) return refuse(to, "lies below its old name");
  const auto all = names();
  if (!all) return fail(all);
  std::vector<std::pair<std::string, std::string>> moves;
  for (const auto& name : *all) {
    if (name != source->name && !is_below(name, source->name)) continue;
    const auto new_name = target->name + name.substr(source->name.size());
    if (all->contains(new_name)) return refuse(new_name, "exists");
    const auto new_place = place_of(new_name);
    if (!new_place) return fail(new_place);
    moves.emplace_back(place_of(name)->folder, new_place->folder);
  }
  if (moves.empty()) return refuse(from, "does not exist");
  return rename_all(moves);
}

Result<std::vector<std::string>> MaildirAccount::subscriptions() {
  const auto names = read_subscriptions(directory_->get(), *options_.files);
  if (!names) return fail(names);
  return std::vector<std::string>(names->begin(), names->end());
}

Result<> MaildirAccount::subscribe(std::string_view name, bool on) {
  return change_subscription(directory_->get(), name, on, *options_.files);
}

}  // namespace facteur::store
