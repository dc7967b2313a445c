// Fuzz target: header fields, parameters and trace. The fields and the empty line are the header, and nothing else.
#include "common/mime/header.h"
#include "common/mime/parameters.h"
#include "common/mime/trace.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto message = fuzz::text_of(data, size);
  const auto header = message.substr(0, mime::header_size(message));
  std::string all;
  mime::Fields fields(header);
  while (const auto field = fields.next()) {
    all += field->raw;
    check(!mime::unfold(field->body).contains('\n'), "a line end in an unfolded body");
    for (const auto& parameter : mime::parse_parameterized(field->body).parameters) {
      check(!parameter.name.empty() && parameter.value.size() <= field->body.size(), "a parameter out of nothing");
    }
    (void)mime::parse_content_type(field->body);
  }
  const auto rest = header.substr(all.size());
  check(header.starts_with(all) && (rest.empty() || rest == "\r\n" || rest == "\n"), "fields that are not the header");
  (void)mime::was_delivered_to(header, {"u", "x.org"});
  check(mime::count_received(mime::select_fields(header, {"received"}, false)) == 0,
        "a field that was left out is there");
  return 0;
}
