// The file of one message in reception: every call on it runs on the work pool, one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/fs/files.h"
#include "common/loop/loop.h"
#include "queue/format/writer.h"

namespace facteur::smtpd {

/// Owns the write descriptor of a slot. It keeps itself alive while a job is under way, so who uses it may go at any
/// time: abandon() then sees to the rest. An error is remembered: nothing is written, and never synced again, after it.
class SlotFile : public std::enable_shared_from_this<SlotFile> {
 public:
  using Pieces = std::vector<queue::Writer::Piece>;
  using Done = std::function<void(Result<>)>;

  /// `loop` and `files` live longer than the jobs: a job abandoned at the end runs while the loop is destroyed.
  SlotFile(loop::Loop& loop, fs::Files& files, Fd file) : loop_(loop), files_(files), file_(std::move(file)) {}

  /// Writes pieces at their offsets. One job at a time: only when !busy().
  void write(Pieces pieces, Done done);
  /// Writes the last pieces, syncs and closes, in one job. On failure the file is cut to nothing before it is closed.
  void finish(Pieces pieces, Done done);
  /// The message is none: cuts the file to nothing and closes it when the job under way, if any, has ended; its `done`
  /// does not run. Then `gone` runs.
  void abandon(std::function<void()> gone);
  [[nodiscard]] bool busy() const { return static_cast<bool>(job_); }

 private:
  void start(std::function<void()> work);
  void ended();
  void write_all(const Pieces& pieces);
  void clear();

  loop::Loop& loop_;
  fs::Files& files_;
  Fd file_;         ///< the job's while busy()
  Result<> state_;  ///< the first error; the job's while busy()
  Ticket job_;
  Done done_;
  std::function<void()> gone_;
};

}  // namespace facteur::smtpd
