#include "smtpd/server/slot_file.h"

#include <utility>

namespace facteur::smtpd {

void SlotFile::start(std::function<void()> work) {
  job_ = loop_.work([self = shared_from_this(), work = std::move(work)] { work(); },
                    [self = shared_from_this()] { self->ended(); });
}

void SlotFile::ended() {
  job_.reset();
  if (gone_ && file_) return start([this] { clear(); });
  if (const auto gone = std::exchange(gone_, nullptr)) return gone();
  if (const auto done = std::exchange(done_, nullptr)) done(state_);
}

void SlotFile::write_all(const Pieces& pieces) {
  for (const auto& piece : pieces) {
    if (state_) state_ = files_.write_at(file_.get(), piece.octets, piece.offset);
  }
}

/// A truncation that fails leaves octets without the header's magic, or a message that nobody acknowledged.
void SlotFile::clear() {
  if (file_) (void)files_.truncate(file_.get(), 0);
  file_.reset();
}

void SlotFile::write(Pieces pieces, Done done) {
  check(!busy() && !gone_, "a slot's file has one job at a time");
  done_ = std::move(done);
  start([this, pieces = std::make_shared<Pieces>(std::move(pieces))] { write_all(*pieces); });
}

void SlotFile::finish(Pieces pieces, Done done) {
  check(!busy() && !gone_, "a slot's file has one job at a time");
  done_ = std::move(done);
  start([this, pieces = std::make_shared<Pieces>(std::move(pieces))] {
    write_all(*pieces);
    if (state_) state_ = files_.sync(file_.get());
    if (!state_) clear();
    file_.reset();
  });
}

void SlotFile::abandon(std::function<void()> gone) {
  done_ = nullptr;
  gone_ = std::move(gone);
  if (!busy()) start([this] { clear(); });
}

}  // namespace facteur::smtpd
