// One message on its way into a queue file.
#pragma once

#include <memory>
#include <string>

#include "queue/format/writer.h"
#include "smtpd/server/slot_file.h"
#include "smtpd/session/services.h"

namespace facteur::smtpd {

class QueueDoor;

/// Collects content in memory and writes it in large pieces on the work pool; a small message is one job: write all,
/// sync, close. Only then is it committed.
class SpoolReception final : public Reception {
 public:
  SpoolReception(QueueDoor& door, std::string queue_id, std::shared_ptr<SlotFile> file, queue::Writer writer);
  ~SpoolReception() override;
  SpoolReception(const SpoolReception&) = delete;
  SpoolReception& operator=(const SpoolReception&) = delete;

  [[nodiscard]] const std::string& queue_id() const override { return queue_id_; }
  bool write(std::string_view content) override;
  [[nodiscard]] Ticket drained(std::function<void(bool)> callback) override;
  [[nodiscard]] Ticket finish(std::string top_headers, std::function<void(Result<>)> callback) override;

 private:
  void write_piece();
  void piece_written(const Result<>& result);
  void write_end();
  void written(const Result<>& result);

  QueueDoor& door_;
  std::weak_ptr<void> door_alive_;
  const std::uint64_t generation_;
  std::string queue_id_;
  std::shared_ptr<SlotFile> file_;
  queue::Writer writer_;
  SlotFile::Pieces end_;
  Answer<bool> room_;
  Answer<Result<>> finished_;
  Ticket commit_;
  Result<> state_;
  bool ending_ = false;
  bool closed_ = false;  ///< the file is synced and closed: it is queued's to say
};

}  // namespace facteur::smtpd
