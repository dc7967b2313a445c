// aliases(5) files: whatever they hold, parsing ends, entries are bounded, and each name can be expanded.
#include <string_view>

#include "common/base/result.h"
#include "common/route/aliases_file.h"
#include "common/route/expand.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = route::parse_aliases({reinterpret_cast<const char*>(data), size}, "f");
  route::Tables tables;
  tables.domains = {"a.example"};
  tables.delimiters = "+";
  tables.aliases = file.entries;
  tables.postmaster = "jim";
  std::size_t looked = 0;
  for (const auto& [name, entry] : file.entries) {
    check(entry.targets.empty() == !entry.problem.empty() || !entry.problem.empty(),
          "an entry without targets has a problem");
    const auto expansion = route::expand(name + "@a.example", tables);
    check(expansion.recipients.empty() == (expansion.outcome != route::Outcome::found), "found means recipients");
    check(expansion.recipients.size() <= route::max_recipients_of_alias, "expansions are bounded");
    if (++looked == 50) break;
  }
  return 0;
}
