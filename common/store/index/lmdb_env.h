// One LMDB environment: tables of octets by key. The only file that knows lmdb.h is index/lmdb_env.cpp.
//
// Never MDB_NOSYNC. There is one handle per environment and process (LMDB's locks demand it: see open_index()). No
// transaction outlives a call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

struct MDB_env;
struct MDB_txn;

namespace facteur::store {

/// A change of one key.
struct LmdbChange {
  unsigned table = 0;
  std::string key;
  std::optional<std::string> value;  ///< nothing: the key goes
};

/// Changes that are made all or not at all.
struct LmdbBatch {
  std::span<const LmdbChange> changes;
  const LmdbChange* condition = nullptr;  ///< nothing is changed unless this key has this value
  const LmdbChange* emptied = nullptr;    ///< first all keys of this table that begin with this one go
};

/// Not for several threads at once.
class LmdbEnv {
 public:
  static constexpr unsigned tables = 3;
  static constexpr std::size_t max_key = 500;         ///< octets; LMDB takes 511
  static constexpr std::size_t first_map = 16 << 20;  ///< octets of address space; doubled when it is full
  static constexpr std::size_t largest_map = 4UL << 30;

  /// Opens the environment in a folder that exists. Kind::corrupt if its files are none, or of another LMDB.
  [[nodiscard]] static Result<std::unique_ptr<LmdbEnv>> open(const std::string& folder);

  [[nodiscard]] Result<std::optional<std::string>> get(unsigned table, const std::string& key);
  /// Calls `each` with what stands behind `prefix` in a key, and its value, in the order of the keys, until it is
  /// false. The views live as long as the call.
  [[nodiscard]] Result<> visit(unsigned table, const std::string& prefix,
                               const std::function<bool(std::string_view, std::string_view)>& each);
  /// In one transaction, durable when it returns; false if the condition does not hold. Kind::permanent when the map
  /// may not grow any more.
  [[nodiscard]] Result<bool> change(const LmdbBatch& batch);
  /// True if its data file is still the one that has the name.
  [[nodiscard]] bool current() const;

 private:
  struct Close {
    void operator()(MDB_env* env) const;
  };
  explicit LmdbEnv(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] int reserve_locks() const;
  [[nodiscard]] int start();
  [[nodiscard]] int begin(unsigned flags, MDB_txn** txn);
  [[nodiscard]] int attempt(const LmdbBatch& batch, bool& holds);
  [[nodiscard]] bool grow();

  std::string folder_;
  std::unique_ptr<MDB_env, Close> env_;
  unsigned table_ids_[tables] = {};
  std::uint64_t inode_ = 0;
};

/// Removes the files of an environment that nobody of this process has open.
void remove_lmdb(const std::string& folder);

}  // namespace facteur::store
