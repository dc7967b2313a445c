#include "imapd/session/commands/command_table.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/session/commands/handlers.h"

namespace facteur::imapd {

namespace {

using namespace commands;

constexpr std::uint8_t of_messages = uses_sequence_numbers;

constexpr auto table = std::to_array<CommandInfo>({
    // name          legal in       effects                              handler          RFC 3501 unless said
    {"CAPABILITY", any_state, no_effect, &capability},                   // 6.1.1
    {"NOOP", any_state, no_effect, &noop},                               // 6.1.2
    {"LOGOUT", any_state, ends_session, &logout},                        // 6.1.3
    {"ID", any_state, no_effect, &id},                                   // RFC 2971
    {"NAMESPACE", any_state, no_effect, &namespaces},                    // RFC 2342
    {"IDLE", any_state, idles, &idle},                                   // RFC 2177
    {"SELECT", any_state, selects, &select},                             // 6.3.1
    {"EXAMINE", any_state, selects, &examine},                           // 6.3.2
    {"CREATE", any_state, no_effect, &create},                           // 6.3.3
    {"DELETE", any_state, no_effect, &remove},                           // 6.3.4
    {"RENAME", any_state, no_effect, &rename},                           // 6.3.5
    {"SUBSCRIBE", any_state, no_effect, &subscribe},                     // 6.3.6
    {"UNSUBSCRIBE", any_state, no_effect, &unsubscribe},                 // 6.3.7
    {"LIST", any_state, no_effect, &list},                               // 6.3.8
    {"LSUB", any_state, no_effect, &lsub},                               // 6.3.9
    {"STATUS", any_state, no_effect, &status},                           // 6.3.10
    {"APPEND", any_state, no_effect, &append},                           // 6.3.11
    {"CHECK", selected, no_effect, &noop},                               // 6.4.1
    {"CLOSE", selected, selects, &close},                                // 6.4.2
    {"UNSELECT", selected, selects, &unselect},                          // RFC 3691
    {"EXPUNGE", selected, changes_messages, &expunge},                   // 6.4.3
    {"SEARCH", selected, of_messages, &search},                          // 6.4.4
    {"FETCH", selected, of_messages | reads_contents, &fetch},           // 6.4.5
    {"STORE", selected, of_messages | changes_messages, &store_flags},   // 6.4.6
    {"COPY", selected, of_messages, &copy},                              // 6.4.7
    {"MOVE", selected, changes_messages, &move},                         // RFC 6851
    {"UID SEARCH", selected, by_uid, &search},                           // 6.4.8
    {"UID FETCH", selected, by_uid | reads_contents, &fetch},            // 6.4.8
    {"UID STORE", selected, by_uid | changes_messages, &store_flags},    // 6.4.8
    {"UID COPY", selected, by_uid, &copy},                               // 6.4.8
    {"UID MOVE", selected, by_uid | changes_messages, &move},            // RFC 6851
    {"UID EXPUNGE", selected, by_uid | changes_messages, &uid_expunge},  // RFC 4315 section 2.1
    {"STARTTLS", 0, no_effect, &noop},                                   // 6.2: before login only
    {"AUTHENTICATE", 0, no_effect, &noop},
    {"LOGIN", 0, no_effect, &noop},
});

}  // namespace

const CommandInfo* find_command(std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const CommandInfo& info) { return iequals(info.name, name); });
  return found == table.end() ? nullptr : &*found;
}

std::string take_command_name(Parser& parser) {
  std::string name(parser.atom("command"));
  if (!iequals(name, "UID")) return name;
  parser.space();
  return name.append(" ").append(parser.atom("command"));
}

}  // namespace facteur::imapd
