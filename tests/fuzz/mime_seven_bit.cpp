// Fuzz target: a message on its way to a host without 8BITMIME. Pieces give the same as the whole, no body keeps an
// octet above 127, and each part decodes to what it was.
#include "../unit/common/mime/seven_bit.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  using namespace facteur::mime::test;
  const auto text = fuzz::text_of(data, size);
  const auto plan = survey(text);
  mime::SevenBitSurvey pieces;
  fuzz::in_pieces(text, [&](std::string_view piece) { pieces.add(piece); });
  const auto plan_of_pieces = pieces.finish();
  check(plan_of_pieces.parts == plan.parts && plan_of_pieces.obstacle == plan.obstacle, "pieces give another plan");
  check(plan.parts.empty() || plan.obstacle.empty(), "a plan that cannot be");

  mime::SevenBitConverter whole(plan), converter(plan);
  std::string out, out_of_pieces;
  whole.write(text, out);
  whole.finish(out);
  fuzz::in_pieces(text, [&](std::string_view piece) { converter.write(piece, out_of_pieces); });
  converter.finish(out_of_pieces);
  check(out == out_of_pieces, "pieces give something else");
  check(!plan.parts.empty() || out == text, "changed without need");
  if (plan.parts.empty()) return 0;
  const auto again = survey(out);
  check(again.parts.empty() && again.obstacle.empty(), "a body with octets above 127");

  // Where no line is too long for a delimiter or a field's name, both ways to find parts agree.
  const auto message = with_crlf(text);
  if (message.size() > mime::max_delimiter) return 0;
  check(decoded_parts(converted(message)) == decoded_parts(message), "a part that decodes to something else");
  return 0;
}
