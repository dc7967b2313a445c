#include "smtpd/session/content.h"

namespace facteur::smtpd {

Content::Content(const Limits& limits, std::unique_ptr<Reception> reception)
    : limits_(limits), reception_(std::move(reception)), reader_(limits.forbid_bare_newline) {
}

Content::Status Content::read(CommandReader& in) {
  decoded_.clear();
  in.consume(reader_.read(in.view().substr(0, slice), decoded_));
  octets_ += decoded_.size();
  header_.feed(decoded_);
  if (reader_.finished()) header_.finish();
  if (refusal()) reception_.reset();
  const bool room = !reception_ || reception_->write(decoded_);
  if (reader_.finished()) return Status::ended;
  if (!reception_ && octets_ > limits_.message_size_limit + max_drained) return Status::flood;
  return room ? Status::more : Status::full;
}

std::optional<smtp::Reply> Content::refusal() const {
  if (too_big()) return smtp::Reply{552, "5.3.4", "Error: message file too big"};
  if (reader_.refused()) return smtp::Reply{550, "5.5.2", "Error: bare <CR> or <LF> received"};
  // RFC 5321 section 2.3.1 and RFC 5322 section 4: no program may send NUL, and few receivers agree on what it means.
  if (reader_.saw_nul()) return smtp::Reply{550, "5.6.0", "Error: NUL octet in message"};
  if (header_.received() > limits_.hopcount_limit) return smtp::Reply{554, "5.4.6", "Error: too many hops"};
  return std::nullopt;
}

}  // namespace facteur::smtpd
