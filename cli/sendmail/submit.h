// The client of the submit socket: blocking, one command at a time.
#pragma once

#include <string>
#include <vector>

#include "cli/sendmail/batch.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::cli::sendmail {

/// A connection to run_directory/submit, with bounded waits. An Error (Kind::temporary) when nobody answers there.
[[nodiscard]] Result<Fd> connect_submit(const config::Settings& settings);

/// What became of a batch.
struct Outcome {
  int exit_code = 0;                   ///< EX_OK, or of the first refusal
  std::vector<std::string> refusals;   ///< lines for stderr
  std::size_t sent = 0;                ///< recipients that get it
  std::vector<std::string> postponed;  ///< recipients that got neither a yes nor a no: to be tried again
  std::string why_postponed;
};

/// Hands a batch in. A recipient that is refused for good does not keep the others from getting the message. A
/// connection that breaks, also behind the end of data, postpones: a message may then come twice, but is not lost.
[[nodiscard]] Outcome submit(const config::Settings& settings, const Batch& batch, bool verbose);

}  // namespace facteur::cli::sendmail
