// An LMDB environment.
#include "common/store/index/lmdb_env.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/strings.h"

namespace facteur::store {
namespace {

/// A change of what is kept gets another number: old tables are not looked at any more.
constexpr std::array<const char*, LmdbEnv::tables> names{"summaries-1", "counters-1", "records-2"};
constexpr mode_t file_mode = 0600;
constexpr int attempts = 16;
constexpr off_t lock_file_octets = 8192;  ///< what LMDB makes it for its usual 126 readers

struct Abort {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using Transaction = std::unique_ptr<MDB_txn, Abort>;

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

std::string_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

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
  // In this order: whoever opens it in between has new locks for old data, and not old locks for new data.
  (void)::unlink((folder + "/lock.mdb").c_str());
  (void)::unlink((folder + "/data.mdb").c_str());
}

void LmdbEnv::Close::operator()(MDB_env* env) const {
  mdb_env_close(env);
}

/// LMDB leaves its lock file without blocks, and writes to it as memory: on a full disk that is a SIGBUS. Here it is an
/// error. The rest it writes as a file.
int LmdbEnv::reserve_locks() const {
  const Fd file(::open((folder_ + "/lock.mdb").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode));
  return file ? ::posix_fallocate(file.get(), 0, lock_file_octets) : errno;
}

int LmdbEnv::start() {
  if (const int code = reserve_locks(); code != 0) return code;
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

namespace {

/// Calls `act` with a cursor on each key that begins with `prefix`, until it says something else than 0.
template <class Act>
int for_each_key(MDB_txn* txn, unsigned table, std::string_view prefix, const Act& act) {
  MDB_cursor* opened = nullptr;
  if (const int code = mdb_cursor_open(txn, table, &opened); code != 0) return code;
  const Cursor cursor(opened);
  MDB_val key = value_of(prefix);
  MDB_val value{};
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_SET_RANGE);
  while (code == 0 && view_of(key).starts_with(prefix)) {
    code = act(cursor.get(), view_of(key).substr(prefix.size()), view_of(value));
    if (code == 0) code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

/// A value that is there, or none that is to be none.
bool holds_in(MDB_txn* txn, unsigned table, const LmdbChange& condition, int& code) {
  MDB_val key = value_of(condition.key);
  MDB_val value{};
  code = mdb_get(txn, table, &key, &value);
  const bool there = code == 0;
  if (code == MDB_NOTFOUND) code = 0;
  return there ? condition.value == view_of(value) : !condition.value;
}

int put_or_remove(MDB_txn* txn, unsigned table, const LmdbChange& change) {
  MDB_val key = value_of(change.key);
  if (!change.value) {
    const int code = mdb_del(txn, table, &key, nullptr);
    return code == MDB_NOTFOUND ? 0 : code;
  }
  MDB_val value = value_of(*change.value);
  return mdb_put(txn, table, &key, &value, 0);
}

}  // namespace

Result<> LmdbEnv::visit(unsigned table, const std::string& prefix,
                        const std::function<bool(std::string_view, std::string_view)>& each) {
  constexpr int enough = 1;  // no code of LMDB, and no errno that a cursor meets
  MDB_txn* begun = nullptr;
  if (const int code = begin(MDB_RDONLY, &begun); code != 0) return failed("read", folder_, code);
  const Transaction txn(begun);
  const int code = for_each_key(
      txn.get(), table_ids_[table], prefix,
      [&](MDB_cursor*, std::string_view rest, std::string_view value) { return each(rest, value) ? 0 : enough; });
  if (code != 0 && code != enough) return failed("read", folder_, code);
  return {};
}

int LmdbEnv::attempt(const LmdbBatch& batch, bool& holds) {
  MDB_txn* begun = nullptr;
  if (const int code = begin(0, &begun); code != 0) return code;
  Transaction txn(begun);
  int code = 0;
  holds = batch.condition == nullptr || holds_in(txn.get(), table_ids_[batch.condition->table], *batch.condition, code);
  if (code != 0 || !holds) return code;
  if (batch.emptied != nullptr) {
    code =
        for_each_key(txn.get(), table_ids_[batch.emptied->table], batch.emptied->key,
                     [](MDB_cursor* cursor, std::string_view, std::string_view) { return mdb_cursor_del(cursor, 0); });
    if (code != 0) return code;
  }
  for (const auto& change : batch.changes) {
    code = put_or_remove(txn.get(), table_ids_[change.table], change);
    if (code != 0) return code;
  }
  return mdb_txn_commit(txn.release());
}

bool LmdbEnv::grow() {
  MDB_envinfo info{};
  if (mdb_env_info(env_.get(), &info) != 0 || info.me_mapsize >= largest_map) return false;
  return mdb_env_set_mapsize(env_.get(), info.me_mapsize * 2) == 0;
}

Result<bool> LmdbEnv::change(const LmdbBatch& batch) {
  int code = MDB_MAP_FULL;
  bool holds = false;
  for (int i = 0; i < attempts && code == MDB_MAP_FULL; ++i) {
    code = attempt(batch, holds);
    if (code == MDB_MAP_FULL && !grow()) break;
  }
  if (code != 0) return failed("write", folder_, code);
  return holds;
}

}  // namespace facteur::store
