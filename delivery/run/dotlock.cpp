#include "delivery/run/dotlock.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"
#include "delivery/run/run_program.h"

namespace facteur::run {
namespace {

/// One attempt takes dotlockfile a millisecond; a folder on another host may be slow.
constexpr Milliseconds longest_run{10000};
/// A lock of another program that has not changed is asked about no more often: each time is a process.
constexpr Milliseconds asking_pause{1000};

/// Exit statuses of dotlockfile: those of lockfile_create(3).
constexpr int no_right = 2;
constexpr int locked_by_other = 4;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace

Dotlock::Dotlock(std::string mbox, std::string program) : path_(mbox + ".lock"), program_(std::move(program)) {
}

/// Why nobody can have a dotlock in that folder; empty if somebody can.
std::string Dotlock::hindrance() const {
  struct stat tool{};
  struct stat folder{};
  if (::access(program_.c_str(), X_OK) < 0 || ::stat(program_.c_str(), &tool) < 0) {
    return program_ + " cannot be run: install the package liblockfile-bin";
  }
  if (::stat(folder_of(path_).c_str(), &folder) < 0) return fail_errno("stat " + folder_of(path_), errno).error().text;
  if (::access(folder_of(path_).c_str(), W_OK | X_OK) == 0) return {};
  const bool by_group =
      (tool.st_mode & S_ISGID) != 0 && tool.st_gid == folder.st_gid && (folder.st_mode & S_IWGRP) != 0;
  return by_group ? "" : "neither the user nor " + program_ + " may make files in " + folder_of(path_);
}

bool Dotlock::was_refused_just_now() const {
  struct stat now{};
  return refused_ && monotonic_now() - refused_at_ < asking_pause && ::lstat(path_.c_str(), &now) == 0 &&
         now.st_ino == refused_->inode && now.st_mtim.tv_sec == refused_->changed.tv_sec &&
         now.st_mtim.tv_nsec == refused_->changed.tv_nsec;
}

Locked Dotlock::take() {
  if (taken() || was_refused_just_now()) return {Outcome::held, {}};
  if (auto why = hindrance(); !why.empty()) return {Outcome::none, std::move(why)};
  const auto status = run_program(program_, {"-l", "-p", "-r", "0", path_}, longest_run);
  if (!status) return {Outcome::failed, status.error().text};
  return *status == 0 ? open_own() : refused(*status);
}

Locked Dotlock::refused(int status) {
  struct stat other{};
  const bool exists = ::lstat(path_.c_str(), &other) == 0;
  if (status == locked_by_other || (status == no_right && exists)) {
    if (exists) refused_ = Stamp{other.st_ino, other.st_mtim};
    refused_at_ = monotonic_now();
    return {Outcome::held, {}};
  }
  // No right, though it looked as if: a set-group-id bit that is not honoured (nosuid, no_new_privs), say.
  if (status == no_right) return {Outcome::none, program_ + " has no right to make " + printable(path_)};
  return {Outcome::failed, program_ + " ended with exit status " + std::to_string(status)};
}

Locked Dotlock::open_own() {
  file_.reset(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file_) return {Outcome::taken, {}};
  return {Outcome::failed, fail_errno("open " + printable(path_), errno).error().text};
}

bool Dotlock::is_ours() const {
  struct stat own{};
  struct stat named{};
  return ::fstat(file_.get(), &own) == 0 && ::lstat(path_.c_str(), &named) == 0 && own.st_ino == named.st_ino &&
         own.st_dev == named.st_dev;
}

void Dotlock::refresh() {
  if (!taken()) return;
  if (!is_ours()) log::warning("the lock {} was taken away from us", printable(path_));
  (void)::futimens(file_.get(), nullptr);
}

void Dotlock::give_back() {
  if (!taken()) return;
  const bool ours = is_ours();
  file_.reset();
  if (!ours) return log::warning("the lock {} was taken away from us", printable(path_));
  const auto status = run_program(program_, {"-u", path_}, longest_run);
  if (!status) return log::warning("the lock {} stays: {}", printable(path_), status.error().text);
  if (*status != 0) log::warning("the lock {} stays: {} ended with {}", printable(path_), program_, *status);
}

}  // namespace facteur::run
