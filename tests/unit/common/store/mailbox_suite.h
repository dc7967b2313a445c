// The promises of mailbox.h, as one suite that every writable store passes.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "mailbox_subject.h"
#include "mailbox_suite_folders.h"
#include "mailbox_suite_messages.h"

namespace facteur::store {

/// Runs everything, each part against a store of its own that `make` makes.
inline void run_mailbox_suite(const std::function<SuiteSubject()>& make) {
  using Part = void (*)(const SuiteSubject&);
  const std::vector<std::pair<const char*, Part>> parts{{"append", suite_append},
                                                        {"content", suite_content},
                                                        {"flags", suite_flags},
                                                        {"expunge", suite_expunge},
                                                        {"expunged since", suite_expunged_since},
                                                        {"many keywords", suite_many_keywords},
                                                        {"sessions", suite_sessions},
                                                        {"all or none", suite_all_or_none},
                                                        {"watch", suite_watch},
                                                        {"copy", suite_copy},
                                                        {"folders", suite_folders},
                                                        {"rename INBOX", suite_inbox_rename},
                                                        {"subscriptions", suite_subscriptions},
                                                        {"hostile names", suite_hostile_names}};
  for (const auto& [name, part] : parts) {
    DYNAMIC_SECTION(name) {
      part(make());
    }
  }
}

}  // namespace facteur::store
