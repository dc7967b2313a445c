#include "smtpd/server/spool_reception.h"

#include <utility>

#include "smtpd/server/queue_door.h"

namespace facteur::smtpd {

SpoolReception::SpoolReception(QueueDoor& door, std::string queue_id, std::shared_ptr<SlotFile> file,
                               queue::Writer writer)
    : door_(door),
      door_alive_(door.alive()),
      generation_(door.generation()),
      queue_id_(std::move(queue_id)),
      file_(std::move(file)),
      writer_(std::move(writer)) {
}

SpoolReception::~SpoolReception() {
  // Behind the commit it is queued's: who does not wait for the answer any more gets the message perhaps twice.
  if (closed_) return;
  file_->abandon([&door = door_, alive = door_alive_, queue_id = queue_id_, generation = generation_] {
    if (!alive.expired()) door.discard(queue_id, generation);
  });
}

bool SpoolReception::write(std::string_view content) {
  writer_.append(content);
  if (!writer_.piece_is_due()) return true;
  if (file_->busy()) return false;
  write_piece();
  return true;
}

void SpoolReception::write_piece() {
  SlotFile::Pieces pieces;
  pieces.push_back(writer_.take());
  file_->write(std::move(pieces), [this](const Result<>& result) { piece_written(result); });
}

void SpoolReception::piece_written(const Result<>& result) {
  if (!result && state_) state_ = result;
  if (ending_) return write_end();
  if (writer_.piece_is_due()) write_piece();
  room_(true);
}

Ticket SpoolReception::drained(std::function<void(bool)> callback) {
  auto [ticket, answer] = ask<bool>(std::move(callback));
  room_ = std::move(answer);
  return std::move(ticket);
}

Ticket SpoolReception::finish(std::string top_headers, std::function<void(Result<>)> callback) {
  auto [ticket, answer] = ask<Result<>>(std::move(callback));
  finished_ = std::move(answer);
  end_ = writer_.finish(top_headers);
  ending_ = true;
  if (!file_->busy()) write_end();
  return std::move(ticket);
}

void SpoolReception::write_end() {
  file_->finish(std::move(end_), [this](const Result<>& result) { written(result); });
}

void SpoolReception::written(const Result<>& result) {
  if (!result) return finished_(result);
  closed_ = true;
  commit_ = door_.commit(queue_id_, generation_, [this](const Result<>& committed) { finished_(committed); });
}

}  // namespace facteur::smtpd
