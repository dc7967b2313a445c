// What Dovecot does to a Maildir, as far as UIDs go: an own reader and writer of its files, so that ours are not judged
// by themselves.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "common/store/mailbox.h"
#include "disk.h"

namespace facteur::store {

/// A mailbox as Dovecot would serve it.
struct DovecotModel {
  explicit DovecotModel(std::string path_) : path(std::move(path_)) {
    std::istringstream lines(store::read(path + "/dovecot-uidlist"));
    std::string version;
    char v = 0;
    char n = 0;
    lines >> version >> v >> uid_validity >> n >> uid_next >> guid;
    REQUIRE(version + v + n == "3VN");
    REQUIRE(guid.size() == 33);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;  // what is left of the header
      const Uid uid = static_cast<Uid>(std::stoul(line));
      REQUIRE((uids.empty() || uid > uids.rbegin()->first));
      uids[uid] = line.substr(line.find(" :") + 2);
      sizes[uid] = std::stoull(line.substr(line.find(" W") + 2));
    }
    std::istringstream keywords(store::read(path + "/dovecot-keywords"));
    for (int number = 0; keywords >> number;) keywords >> names[static_cast<char>('a' + number)];
  }

  /// Looks at the folders: what went is taken out, what came gets UIDs; what is in new/ goes to cur/.
  void sync() {
    for (const auto& entry : std::filesystem::directory_iterator(path + "/new")) {
      const std::string name = entry.path().filename();
      std::filesystem::rename(entry.path(), path + "/cur/" + name + (name.contains(':') ? "" : ":2,"));
    }
    files.clear();
    std::vector<std::string> strangers;
    for (const auto& entry : std::filesystem::directory_iterator(path + "/cur")) {
      const std::string name = entry.path().filename();
      files[name.substr(0, name.find(':'))] = name;
      strangers.push_back(name.substr(0, name.find(':')));
    }
    std::erase_if(uids, [&](const auto& uid) { return !files.contains(uid.second); });
    for (const auto& [uid, base] : uids) std::erase(strangers, base);
    std::ranges::sort(strangers);
    for (const auto& base : strangers) uids[uid_next++] = base;
    std::string text = "3 V" + std::to_string(uid_validity) + " N" + std::to_string(uid_next) + " " + guid + "\n";
    for (const auto& [uid, base] : uids) text += std::to_string(uid) + " :" + base + "\n";
    write(path + "/dovecot-uidlist", text);
  }

  /// The letters behind ":2," of a message.
  [[nodiscard]] std::string letters(Uid uid) const {
    const auto& name = files.at(uids.at(uid));
    return name.contains(':') ? name.substr(name.find(':') + 3) : "";
  }
  void set_letters(Uid uid, const std::string& letters_) {
    auto& name = files.at(uids.at(uid));
    const auto wanted = uids.at(uid) + ":2," + letters_;
    std::filesystem::rename(path + "/cur/" + name, path + "/cur/" + wanted);
    name = wanted;
  }
  [[nodiscard]] std::string content(Uid uid) const { return store::read(path + "/cur/" + files.at(uids.at(uid))); }

  std::string path;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 0;
  std::string guid;  ///< with its 'G'
  std::map<Uid, std::string> uids;
  std::map<Uid, std::uint64_t> sizes;
  std::map<char, std::string> names;         ///< of keywords
  std::map<std::string, std::string> files;  ///< by base name
};

}  // namespace facteur::store
