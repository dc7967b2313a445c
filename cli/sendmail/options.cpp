#include "cli/sendmail/options.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace facteur::cli::sendmail {
namespace {

using Value = std::string_view;
using Apply = Result<> (*)(Options&, Value);

enum class Takes : std::uint8_t { nothing, value, attached };

struct Flag {
  char letter;
  Takes takes;  ///< `attached`: a value may follow in the same word only
  Apply apply;
};

struct ModeLetter {
  char letter;
  Mode mode;
};
constexpr ModeLetter modes[] = {
    {'m', Mode::send},
    {'s', Mode::serve},
    {'p', Mode::list},
    {'i', Mode::aliases},
};

Result<> ignore(Options&, Value) {
  return {};
}

Result<> set_mode(Options& options, Value value) {
  for (const auto& row : modes) {
    if (value.size() != 1 || value[0] != row.letter) continue;
    options.mode = row.mode;
    return {};
  }
  if (value == "d") return fail(Kind::permanent, "-bd: the daemon is facteurd; start that");
  return fail(Kind::permanent, "-b" + printable(value) + " is no mode of sendmail: use -bm, -bs, -bp or -bi");
}

Result<> set_body(Options& options, Value value) {
  options.body_8bit = iequals(value, "8BITMIME");
  if (options.body_8bit || iequals(value, "7BIT")) return {};
  return fail(Kind::permanent, "-B " + printable(value) + ": use 7BIT or 8BITMIME");
}

Result<> set_sender(Options& options, Value value) {
  options.sender = value;
  return {};
}

/// The name goes into a header field: a line end in it would make a field of its own.
Result<> set_full_name(Options& options, Value value) {
  if (std::any_of(value.begin(), value.end(), is_control)) {
    return fail(Kind::permanent, "-F: the name may not hold control characters");
  }
  options.full_name = value;
  return {};
}

Result<> set_flush(Options& options, Value value) {
  if (!value.empty() && is_digit(value[0])) return {};  // how often a daemon shall look: facteurd knows itself
  if (!value.empty() && (value[0] != 'I' || value.size() == 1)) {
    return fail(Kind::permanent, "-q" + printable(value) + ": use -q for all messages or -qIQUEUEID for one");
  }
  options.mode = Mode::flush;
  options.queue_id = value.empty() ? value : value.substr(1);
  return {};
}

Result<> set_old_option(Options& options, Value value) {
  if (value == "i") options.dot_ends = false;
  return {};
}

constexpr Flag flags[] = {
    {'A', Takes::value, ignore},  // which configuration of Sendmail
    {'B', Takes::value, set_body},
    {'C', Takes::value,
     [](Options& o, Value value) -> Result<> {
       o.config_file = value;
       return {};
     }},
    {'F', Takes::value, set_full_name},
    {'E', Takes::nothing, ignore},
    {'G', Takes::nothing, ignore},  // relayed by a gateway
    {'I', Takes::nothing,
     [](Options& o, Value) -> Result<> {
       o.mode = Mode::aliases;
       return {};
     }},
    {'L', Takes::value, ignore},  // label of log lines
    {'N', Takes::value, ignore},  // DSN conditions: the submit door offers no DSN extension
    {'O', Takes::value, ignore},  // Sendmail's long options
    {'R', Takes::value, ignore},  // DSN content
    {'U', Takes::nothing, ignore},
    {'V', Takes::value, ignore},  // envelope id of DSN
    {'X', Takes::value, ignore},  // a log of the session
    {'b', Takes::value, set_mode},
    {'d', Takes::attached, ignore},  // debugging
    {'e', Takes::value, ignore},     // how errors are reported: always on stderr
    {'f', Takes::value, set_sender},
    {'h', Takes::value, ignore},  // hop count: counted from Received
    {'i', Takes::nothing,
     [](Options& o, Value) -> Result<> {
       o.dot_ends = false;
       return {};
     }},
    {'m', Takes::nothing, ignore},  // send to me, too: always
    {'n', Takes::nothing, ignore},  // no aliases
    {'o', Takes::value, set_old_option},
    {'p', Takes::value, ignore},  // protocol of origin
    {'q', Takes::attached, set_flush},
    {'r', Takes::value, set_sender},
    {'t', Takes::nothing,
     [](Options& o, Value) -> Result<> {
       o.from_header = true;
       return {};
     }},
    {'v', Takes::nothing,
     [](Options& o, Value) -> Result<> {
       o.verbose = true;
       return {};
     }},
    {'x', Takes::nothing, ignore},
};

/// Takes words from the front.
class Words {
 public:
  explicit Words(std::span<const Value> words) : rest_(words) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] Value next() {
    const Value word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }

 private:
  std::span<const Value> rest_;
};

/// "-ti", "-fADDRESS", "-f ADDRESS".
Result<> apply_word(Options& options, Value word, Words& words) {
  for (word.remove_prefix(1); !word.empty();) {
    const char letter = word.front();
    word.remove_prefix(1);
    const auto* flag =
        std::find_if(std::begin(flags), std::end(flags), [&](auto& row) { return row.letter == letter; });
    if (flag == std::end(flags)) {
      return fail(Kind::permanent, "unknown option -" + printable(Value(&letter, 1)) +
                                       "; usage: sendmail [-t] [-i] [-v] [-f sender] [-F name] recipient ...");
    }
    Value value;
    if (flag->takes != Takes::nothing) {
      value = std::exchange(word, {});
      if (value.empty() && flag->takes == Takes::value) {
        if (words.empty()) return fail(Kind::permanent, std::string("-") + letter + " wants a value behind it");
        value = words.next();
      }
    }
    if (auto applied = flag->apply(options, value); !applied) return applied;
  }
  return {};
}

Result<> apply_long(Options& options, Value word, Words& words) {
  constexpr Value config = "--config";
  if (word == config && !words.empty()) {
    options.config_file = words.next();
  } else if (word.starts_with(config) && word.substr(config.size()).starts_with('=')) {
    options.config_file = word.substr(config.size() + 1);
  } else {
    return fail(Kind::permanent, "unknown option " + printable(word) + "; the only long one is --config FILE");
  }
  return {};
}

Result<> check_recipients(const Options& options) {
  if (options.mode != Mode::send && !options.recipients.empty()) {
    return fail(Kind::permanent, "recipients are for sending only: leave " + printable(options.recipients[0]) + " out");
  }
  if (options.mode == Mode::send && options.recipients.empty() && !options.from_header) {
    return fail(Kind::permanent, "no recipients: name them behind the options, or use -t to take them from the header");
  }
  return {};
}

}  // namespace

Result<Options> parse_options(std::string_view program, std::span<const std::string_view> arguments) {
  Options options;
  const auto name = program.substr(program.rfind('/') + 1);
  if (name == "mailq") options.mode = Mode::list;
  if (name == "newaliases") options.mode = Mode::aliases;
  Words words(arguments);
  bool only_recipients = false;
  while (!words.empty()) {
    const Value word = words.next();
    if (only_recipients || word.size() < 2 || word[0] != '-') {
      options.recipients.emplace_back(word);
    } else if (word == "--") {
      only_recipients = true;
    } else if (auto applied =
                   word.starts_with("--") ? apply_long(options, word, words) : apply_word(options, word, words);
               !applied) {
      return fail(applied);
    }
  }
  if (auto good = check_recipients(options); !good) return fail(good);
  return options;
}

}  // namespace facteur::cli::sendmail
