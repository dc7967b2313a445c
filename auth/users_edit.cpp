// The idea: the YAML tree tells the lines of an entry, the change is made in the text, and the new text must read back
// as exactly the users that were wanted. Where it does not, nothing is written.
#include "auth/users_edit.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "auth/user_name.h"
#include "common/base/encode.h"
#include "common/base/random.h"
#include "common/base/strings.h"
#include "common/base/time.h"
#include "common/fs/files.h"

namespace facteur::auth {

namespace {

using config::Node;

constexpr std::size_t max_file = 64 << 20;
constexpr Seconds lock_patience{10};
const std::string shown_file = "users file";

/// The entries as they read: what must come out of a change is compared with this.
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string flat(const Node& node) {
  if (node.type != Node::Type::map) return "=" + node.text;
  std::string out;
  for (const auto& [key, value] : node.entries) out += key.text + "=" + value.text + "\n";
  return out;
}

Result<Node> parse(std::string_view text) {
  auto root = config::parse_yaml(text, shown_file);
  if (!root) return root;
  if (root->type == Node::Type::null) return root;
  if (root->type != Node::Type::map) return fail(Kind::permanent, "the users file is not a map of users");
  const bool lines =
      std::ranges::all_of(root->entries, [](const auto& entry) { return entry.first.place.column == 1; });
  if (!lines) return fail(Kind::permanent, "the users file does not have one user a line: edit it by hand");
  return root;
}

Entries entries_of(const Node& root) {
  Entries out;
  for (const auto& [key, value] : root.entries) out.emplace_back(to_lower(key.text), flat(value));
  return out;
}

/// The new text, if it reads as `wanted`.
Result<std::string> verified(std::string text, const Entries& wanted) {
  const auto root = parse(text);
  if (!root || entries_of(*root) != wanted) {
    return fail(Kind::permanent, "the users file is written in a way that cannot be changed safely: edit it by hand");
  }
  return text;
}

/// Offset of a line (from 1); the size of the text behind the last.
std::size_t line_offset(std::string_view text, std::uint32_t line) {
  std::size_t at = 0;
  for (std::uint32_t i = 1; i < line; ++i) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) return text.size();
    at = end + 1;
  }
  return at;
}

/// The octets of an entry: its lines, without comments and empty lines that follow it.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};
Span span_of(std::string_view text, const Node& root, std::size_t index) {
  Span span;
  span.begin = line_offset(text, root.entries[index].first.place.line);
  const bool last = index + 1 == root.entries.size();
  span.end = last ? text.size() : line_offset(text, root.entries[index + 1].first.place.line);
  while (span.end > span.begin) {
    const auto before = text.substr(span.begin, span.end - span.begin - 1).rfind('\n');
    if (before == std::string_view::npos) break;  // only the first line is left
    const auto line = trim(text.substr(span.begin + before + 1, span.end - span.begin - before - 1));
    if (!line.empty() && !line.starts_with('#')) break;
    span.end = span.begin + before + 1;
  }
  return span;
}

Result<std::size_t> index_of(const Node& root, std::string_view name) {
  const auto wanted = to_lower(name);
  for (std::size_t i = 0; i < root.entries.size(); ++i) {
    if (to_lower(root.entries[i].first.text) == wanted) return i;
  }
  return fail(Kind::permanent, fmt::format("there is no user {} in the users file", printable(name, 200)));
}

/// The length of a scalar as written at the front of `text`: quotes included.
std::size_t written_length(std::string_view text, const Node& node) {
  if (!node.quoted) return node.text.size();
  if (text.empty()) return 0;
  const auto end = text.find(text.front(), 1);
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// Holds the lock of a users file: on its folder, for the file itself is replaced.
class Lock {
 public:
  [[nodiscard]] static Result<Lock> take(const std::string& folder) {
    auto fd = fs::system_files().open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (!fd) return fail(fd);
    for (const auto until = monotonic_now() + lock_patience; flock(fd->get(), LOCK_EX | LOCK_NB) != 0;) {
      if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("flock " + folder, errno);
      if (monotonic_now() > until) return fail(Kind::temporary, folder + ": somebody else is changing the users");
      std::this_thread::sleep_for(Milliseconds{20});
    }
    return Lock(std::move(*fd));
  }
  [[nodiscard]] int folder() const { return fd_.get(); }

 private:
  explicit Lock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// Writes the new file beside the old one, with the old one's owner and mode, and puts it in its place.
Result<> replace(const Lock& lock, const std::string& name, std::string_view text, const struct stat& like) {
  auto& files = fs::system_files();
  const std::string fresh = "." + name + "." + hex_encode(random_octets(6));
  auto fd = files.open(lock.folder(), fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!fd) return fail(fd);
  const auto write = [&]() -> Result<> {
    if (fchown(fd->get(), like.st_uid, like.st_gid) != 0) return fail_errno("chown " + name, errno);
    if (fchmod(fd->get(), like.st_mode & 07777) != 0) return fail_errno("chmod " + name, errno);
    if (auto done = files.write(fd->get(), text); !done) return done;
    if (auto done = files.sync(fd->get()); !done) return done;
    return files.rename(lock.folder(), fresh, lock.folder(), name);
  };
  if (auto done = write(); !done) {
    (void)files.unlink(lock.folder(), fresh);
    return done;
  }
  return files.sync(lock.folder());
}

using Change = std::function<Result<std::string>(std::string_view)>;

Result<> change_file(const std::string& path, const FileOwner& owner, const Change& change) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto lock = Lock::take(folder);
  if (!lock) return fail(lock);
  struct stat like{};
  like.st_mode = 0640;
  like.st_uid = owner.uid;
  like.st_gid = owner.gid;
  std::string text;
  if (stat(path.c_str(), &like) == 0) {
    auto read = fs::read_file(path, max_file);
    if (!read) return fail(read);
    text = std::move(*read);
  } else if (errno != ENOENT) {
    return fail_errno("stat " + path, errno);
  }
  const auto changed = change(text);
  if (!changed) return fail(changed);
  return replace(*lock, name, *changed, like);
}

}  // namespace

Result<std::string> with_users(std::string_view text, const std::vector<NewUser>& users) {
  const auto root = parse(text);
  if (!root) return fail(root);
  Entries wanted = entries_of(*root);
  std::string out(text);
  if (!out.empty() && out.back() != '\n') out += '\n';
  for (const auto& user : users) {
    const auto name = canonical_name(user.name);
    if (!name)
      return fail(Kind::permanent, fmt::format("'{}' is not a name that an account may have: {}",
                                               printable(user.name, 200), account_name_rule));
    const auto same = [&](const auto& entry) { return entry.first == *name; };
    if (std::ranges::any_of(wanted, same)) return fail(Kind::permanent, fmt::format("{} is there already", *name));
    out += fmt::format("{}: {{password: \"{}\"", *name, user.password);
    std::string parts = "password=" + user.password + "\n";
    if (!user.mail.empty()) {
      out += ", mail: " + config::yaml_scalar(user.mail);
      parts += "mail=" + user.mail + "\n";
    }
    out += "}\n";
    wanted.emplace_back(*name, std::move(parts));
  }
  return verified(std::move(out), wanted);
}

Result<std::string> with_password(std::string_view text, std::string_view name, const std::string& hash) {
  const auto root = parse(text);
  if (!root) return fail(root);
  const auto index = index_of(*root, name);
  if (!index) return fail(index);
  Entries wanted = entries_of(*root);
  const Node* value = &root->entries[*index].second;
  if (value->type == Node::Type::map) {
    const auto part =
        std::ranges::find_if(value->entries, [](const auto& entry) { return entry.first.text == "password"; });
    if (part == value->entries.end()) return fail(Kind::permanent, "the entry has no password: edit it by hand");
    Node changed = *value;
    changed.entries[static_cast<std::size_t>(part - value->entries.begin())].second.text = hash;
    wanted[*index].second = flat(changed);
    value = &part->second;
  } else {
    wanted[*index].second = "=" + hash;
  }
  const auto at = std::min(text.size(), line_offset(text, value->place.line) + value->place.column - 1);
  std::string out(text.substr(0, at));
  out += '"' + hash + '"';
  out += text.substr(std::min(text.size(), at + written_length(text.substr(at), *value)));
  return verified(std::move(out), wanted);
}

Result<std::string> without_user(std::string_view text, std::string_view name) {
  const auto root = parse(text);
  if (!root) return fail(root);
  const auto index = index_of(*root, name);
  if (!index) return fail(index);
  Entries wanted = entries_of(*root);
  wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(*index));
  const auto span = span_of(text, *root, *index);
  std::string out(text.substr(0, span.begin));
  out += text.substr(span.end);
  return verified(std::move(out), wanted);
}

Result<> add_users(const std::string& path, const std::vector<NewUser>& users, const FileOwner& owner) {
  return change_file(path, owner, [&](std::string_view text) { return with_users(text, users); });
}

Result<> change_password(const std::string& path, std::string_view name, const std::string& hash) {
  return change_file(path, {}, [&](std::string_view text) { return with_password(text, name, hash); });
}

Result<> delete_user(const std::string& path, std::string_view name) {
  return change_file(path, {}, [&](std::string_view text) { return without_user(text, name); });
}

}  // namespace facteur::auth
