// An LMDB environment.
#include "common/store/index/lmdb_env.h"

#include <array>
#include <cerrno>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/strings.h"

namespace facteur::store {
namespace {

/// A change of what is kept gets another number: old tables are not looked at any more.
constexpr std::array<const char*, LmdbEnv::tables> names{"summaries-1", "counters-1"};
constexpr mode_t file_mode = 0600;
constexpr int attempts = 16;

struct Abort {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using Transaction = std::unique_ptr<MDB_txn, Abort>;

/// LMDB only reads what these point to.
MDB_val value_of(std::string_view octets) {
  return {octets.size(), const_cast<char*>(octets.data())};
}

std::unexpected<Error> failed(std::string_view what, const std::string& folder, int code) {
  const bool is_errno = code > 0;
  const bool full = code == MDB_MAP_FULL || code == ENOSPC;
  auto error = fail(is_errno || full ? Kind::temporary : Kind::corrupt,
                    "index " + printable(folder) + ": " + std::string(what) + ": " + mdb_strerror(code));
  if (code == MDB_MAP_FULL) error.error().kind = Kind::permanent;
  error.error().errno_value = is_errno ? code : 0;
  return error;
}

std::uint64_t inode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

void remove_lmdb(const std::string& folder) {
  (void)::unlink((folder + "/data.mdb").c_str());
  (void)::unlink((folder + "/lock.mdb").c_str());
}

void LmdbEnv::Close::operator()(MDB_env* env) const {
  mdb_env_close(env);
}

int LmdbEnv::start() {
  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env); code != 0) return code;
  env_.reset(env);
  if (const int code = mdb_env_set_mapsize(env, first_map); code != 0) return code;
  if (const int code = mdb_env_set_maxdbs(env, tables); code != 0) return code;
  // MDB_NOTLS: a reader belongs to its transaction, not to the thread of the pool that happens to run it.
  if (const int code = mdb_env_open(env, folder_.c_str(), MDB_NOTLS | MDB_NORDAHEAD, file_mode); code != 0) return code;
  int dead = 0;
  (void)mdb_reader_check(env, &dead);  // slots of processes that were killed
  MDB_txn* begun = nullptr;
  if (const int code = begin(0, &begun); code != 0) return code;
  Transaction txn(begun);
  for (unsigned i = 0; i < tables; ++i) {
    if (const int code = mdb_dbi_open(txn.get(), names[i], MDB_CREATE, &table_ids_[i]); code != 0) return code;
  }
  return mdb_txn_commit(txn.release());
}

/// Begins a transaction; takes over the size that another process gave the map.
int LmdbEnv::begin(unsigned flags, MDB_txn** txn) {
  int code = mdb_txn_begin(env_.get(), nullptr, flags, txn);
  if (code != MDB_MAP_RESIZED) return code;
  code = mdb_env_set_mapsize(env_.get(), 0);
  return code != 0 ? code : mdb_txn_begin(env_.get(), nullptr, flags, txn);
}

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const std::string& folder) {
  std::unique_ptr<LmdbEnv> out(new LmdbEnv(folder));
  if (const int code = out->start(); code != 0) return failed("open", folder, code);
  out->inode_ = inode_of(folder + "/data.mdb");
  return out;
}

bool LmdbEnv::current() const {
  return inode_ != 0 && inode_of(folder_ + "/data.mdb") == inode_;
}

Result<std::optional<std::string>> LmdbEnv::get(unsigned table, const std::string& key) {
  MDB_txn* begun = nullptr;
  if (const int code = begin(MDB_RDONLY, &begun); code != 0) return failed("read", folder_, code);
  const Transaction txn(begun);
  MDB_val name = value_of(key);
  MDB_val value{};
  const int code = mdb_get(txn.get(), table_ids_[table], &name, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) return failed("read", folder_, code);
  return std::string(static_cast<const char*>(value.mv_data), value.mv_size);
}

int LmdbEnv::attempt(std::span<const LmdbChange> changes) {
  MDB_txn* begun = nullptr;
  if (const int code = begin(0, &begun); code != 0) return code;
  Transaction txn(begun);
  for (const auto& change : changes) {
    MDB_val name = value_of(change.key);
    int code = 0;
    if (change.value) {
      MDB_val value = value_of(*change.value);
      code = mdb_put(txn.get(), table_ids_[change.table], &name, &value, 0);
    } else {
      code = mdb_del(txn.get(), table_ids_[change.table], &name, nullptr);
      if (code == MDB_NOTFOUND) code = 0;
    }
    if (code != 0) return code;
  }
  return mdb_txn_commit(txn.release());
}

bool LmdbEnv::grow() {
  MDB_envinfo info{};
  if (mdb_env_info(env_.get(), &info) != 0 || info.me_mapsize >= largest_map) return false;
  return mdb_env_set_mapsize(env_.get(), info.me_mapsize * 2) == 0;
}

Result<> LmdbEnv::change(std::span<const LmdbChange> changes) {
  int code = MDB_MAP_FULL;
  for (int i = 0; i < attempts && code == MDB_MAP_FULL; ++i) {
    code = attempt(changes);
    if (code == MDB_MAP_FULL && !grow()) break;
  }
  if (code != 0) return failed("write", folder_, code);
  return {};
}

}  // namespace facteur::store
