// The content of one message between 354 and its end: decoded, measured, looked at and handed to the queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/smtp/dot_stuffing.h"
#include "common/smtp/reply.h"
#include "smtpd/session/command_reader.h"
#include "smtpd/session/header_scan.h"
#include "smtpd/session/limits.h"
#include "smtpd/session/services.h"

namespace facteur::smtpd {

class Content {
 public:
  enum class Status : std::uint8_t {
    more,   ///< it goes on, and wants octets
    full,   ///< the queue can take no more now: see Reception::drained
    ended,  ///< end of data
    flood,  ///< refused, and still not ended after max_drained octets
  };

  Content(const Limits& limits, std::unique_ptr<Reception> reception);

  /// Takes what is there, up to `slice` octets.
  [[nodiscard]] Status read(CommandReader& in);
  /// After `ended`: why the message is not taken, or nothing. Octets of a message that is known to be refused are
  /// read and thrown away, and the queue has forgotten it by then.
  [[nodiscard]] std::optional<smtp::Reply> refusal() const;

  [[nodiscard]] const HeaderScan& header() const { return header_; }
  /// Octets of content so far.
  [[nodiscard]] std::uint64_t octets() const { return octets_; }
  /// The message in the queue's hands; not after a refusal.
  [[nodiscard]] Reception& reception() { return *reception_; }

  static constexpr std::size_t slice = 64 * 1024;

 private:
  [[nodiscard]] bool too_big() const { return limits_.message_size_limit > 0 && octets_ > limits_.message_size_limit; }

  const Limits& limits_;
  std::unique_ptr<Reception> reception_;
  smtp::DataReader reader_;
  HeaderScan header_;
  std::string decoded_;
  std::uint64_t octets_ = 0;
};

}  // namespace facteur::smtpd
