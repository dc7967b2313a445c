// The command line of sendmail(1), as Sendmail made it and Postfix keeps it: one table row a letter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace facteur::cli::sendmail {

/// What is to be done.
enum class Mode : std::uint8_t {
  send,     ///< -bm: a message on stdin
  serve,    ///< -bs: SMTP on stdin and stdout
  list,     ///< -bp, mailq
  aliases,  ///< -bi, -I, newaliases
  flush,    ///< -q, -qIQUEUEID
};

struct Options {
  Mode mode = Mode::send;
  bool from_header = false;           ///< -t: recipients from To, Cc and Bcc
  bool dot_ends = true;               ///< without -i: a line with a dot alone ends the message
  bool verbose = false;               ///< -v: print the dialogue
  bool body_8bit = false;             ///< -B 8BITMIME
  std::optional<std::string> sender;  ///< -f, -r: reverse-path; "" and "<>" are the null one
  std::string full_name;              ///< -F
  std::string config_file;            ///< -C, --config
  std::string queue_id;               ///< -qI
  std::vector<std::string> recipients;
};

/// Reads the arguments behind the program's name, whose last part chooses the mode for mailq and newaliases.
/// Kind::permanent, with what to do instead, for what cannot be obeyed; options that only tune Sendmail are accepted
/// and do nothing.
[[nodiscard]] Result<Options> parse_options(std::string_view program, std::span<const std::string_view> arguments);

}  // namespace facteur::cli::sendmail
