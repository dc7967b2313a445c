// Fuzz target: the parts of a message. Pieces give the same as the whole, parts lie inside their parents and apart, and
// a summary survives its cache.
#include "common/mime/summarizer.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto message = fuzz::text_of(data, size);
  const auto whole = mime::summarize(message);
  mime::Summarizer pieces;
  fuzz::in_pieces(message, [&](std::string_view piece) { pieces.add(piece); });
  check(pieces.finish() == whole, "pieces give something else");
  check(whole.size == size && !whole.parts.empty(), "not the whole message");
  for (std::size_t i = 0; i < whole.parts.size(); ++i) {
    const auto& part = whole.parts[i];
    check(part.header_begin <= part.body_begin && part.body_begin <= part.body_end && part.body_end <= size,
          "a part outside");
    const auto& parent = whole.parts[part.parent];
    if (i > 0) check(part.header_begin >= parent.body_begin && part.body_end <= parent.body_end, "outside its parent");
    auto end = part.body_begin;
    for (const auto child : part.children) {
      check(whole.parts[child].header_begin >= end, "parts that overlap");
      end = whole.parts[child].body_end;
    }
  }
  const auto back = mime::from_octets(mime::to_octets(whole));
  check(back && *back == whole, "a summary that does not lead back");
  const auto envelope = mime::from_octets(mime::to_octets(whole), {.envelope = true, .parts = false, .texts = false});
  check(envelope && envelope->envelope == whole.envelope && envelope->parts.empty() && envelope->envelope_text.empty(),
        "not the envelope alone");
  const auto texts = mime::from_octets(mime::to_octets(whole), {.envelope = false, .parts = false, .texts = true});
  check(texts && texts->structure_text == whole.structure_text && texts->parts.empty(), "not the texts alone");
  (void)mime::from_octets(std::string(message));
  return 0;
}
