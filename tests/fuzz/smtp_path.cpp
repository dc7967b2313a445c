// Fuzz target: the arguments of MAIL and RCPT. What is taken has no control characters, keeps its limits and leads
// back.
#include "common/address/grammar.h"
#include "common/base/strings.h"
#include "common/smtp/path.h"
#include "input.h"

namespace {

using namespace facteur;

void check_path(const smtp::Path& path) {
  const auto text = path.to_string();
  check(std::ranges::none_of(text, is_control), "a control character in a path");
  check(is_utf8(text), "ill-formed UTF-8 in a path");
  check(path.address.local_part.size() <= address::max_local_part, "a long local part");
  check(path.address.domain.size() <= address::max_domain, "a long domain");
  if (path.null()) return;
  const auto again = smtp::parse_path("<" + text + ">");
  check(!again || *again == path, "a path that does not lead back");
  check(again || text.size() + 2 > smtp::max_path, "a path that cannot be read again");
}

void check_parameters(const std::vector<smtp::Parameter>& parameters) {
  check(parameters.size() <= smtp::max_parameters, "many parameters");
  for (const auto& [keyword, value] : parameters) {
    check(keyword == to_upper(keyword), "a keyword not in upper case");
    const auto decoded = value ? smtp::xtext_decode(*value) : std::nullopt;
    if (!decoded) continue;
    check(std::ranges::none_of(*decoded, is_control), "a control character in xtext");
    check(smtp::xtext_decode(smtp::xtext_encode(*decoded)) == decoded, "xtext that does not lead back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  for (const auto& parsed : {smtp::parse_mail(text), smtp::parse_rcpt(text)}) {
    if (!parsed) continue;
    check_path(parsed->path);
    check_parameters(parsed->parameters);
  }
  if (const auto path = smtp::parse_path(text)) check_path(*path);
  return 0;
}
