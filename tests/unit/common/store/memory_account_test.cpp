#include "common/store/memory/account.h"
#include "mailbox_suite.h"

using namespace facteur;
using namespace facteur::store;

TEST_CASE("the memory store keeps the promises of a mailbox") {
  run_mailbox_suite([] {
    const MemoryAccount account;
    return SuiteSubject{.session = [account] { return std::make_unique<MemoryAccount>(account); }};
  });
}
