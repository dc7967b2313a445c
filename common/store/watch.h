// Changes of files and folders by others. There is one inotify instance in the process, since a user may have but 128;
// a thread reads it and wakes the mailboxes concerned.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.h"

namespace facteur::store {

/// Watches some paths while it lives.
class Watch {
 public:
  Watch();
  /// Watches these paths; those that cannot be watched are passed over.
  explicit Watch(const std::vector<std::string>& paths);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Watches one more path; nothing changes if what it names is watched already. False if it cannot be watched.
  bool add(const std::string& path);
  /// Readable when one of the paths may have changed; -1 if there is no descriptor left.
  [[nodiscard]] int descriptor() const { return event_.get(); }
  void drain();

 private:
  Fd event_;
  std::unique_ptr<struct WatchSink> sink_;
};

/// A name that came into a watched folder, or left it.
struct NameChange {
  std::size_t folder = 0;  ///< its place among the paths watched
  std::string name;
  bool there = false;
};

/// The names that change in some folders, from its making on.
class NameWatch {
 public:
  static constexpr std::size_t most_changes = 4096;  ///< kept between two calls of take()

  explicit NameWatch(const std::vector<std::string>& paths);
  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;
  ~NameWatch();

  /// What changed since the last call, in its order: all that had happened when it was called. Nothing if some was
  /// lost; the next call then tells again what came after this one. Always nothing where a path cannot be watched.
  [[nodiscard]] std::optional<std::vector<NameChange>> take();

 private:
  std::unique_ptr<struct WatchSink> sink_;
};

/// True if this machine's kernel sees every change of the file system in which `directory` is: inotify then tells all.
/// False for those that other hosts change too (NFS, CIFS, FUSE), and for those we do not know.
[[nodiscard]] bool sees_every_change(int directory);

}  // namespace facteur::store
