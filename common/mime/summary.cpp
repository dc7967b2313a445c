#include "common/mime/summary.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/ipc/message.h"
#include "common/mime/summarizer.h"

namespace facteur::mime {
namespace {

/// What a cache holds: octets in octets, since most who ask want one of them. The number changes when the fields, or
/// the rules by which they are found, do.
struct Stored {
  static constexpr std::uint16_t current_format = 3;
  std::uint16_t format = current_format;
  std::uint64_t size = 0;
  std::string_view envelope, parts, envelope_text, structure_text;
  auto fields() { return std::tie(format, size, envelope, parts, envelope_text, structure_text); }
};

struct StoredParts {
  std::vector<Part> parts;
  auto fields() { return std::tie(parts); }
};

/// True if whoever follows the indices and offsets stays inside the parts and the message.
bool is_sound(const Summary& summary) {
  const auto count = summary.parts.size();
  if (count == 0 || count > max_parts) return false;
  std::vector<std::size_t> depth(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& part = summary.parts[i];
    if (i == 0 ? part.parent != 0 : part.parent >= i) return false;
    if (i > 0) depth[i] = depth[part.parent] + 1;
    if (depth[i] > max_depth) return false;
    if (part.header_begin > part.body_begin || part.body_begin > part.body_end || part.body_end > summary.size)
      return false;
    const auto is_child = [&](std::uint32_t child) {
      return child > i && child < count && summary.parts[child].parent == i;
    };
    if (!std::ranges::all_of(part.children, is_child)) return false;
    if (part.is_message() && part.children.size() != 1) return false;
    if (part.is_multipart() && part.children.empty()) return false;
  }
  return true;
}

}  // namespace

bool Part::is_multipart() const {
  return iequals(type, "multipart");
}

Summary summarize(std::string_view message) {
  Summarizer summarizer;
  summarizer.add(message);
  return summarizer.finish();
}

std::string to_octets(const Summary& summary) {
  const auto envelope = ipc::to_octets(summary.envelope);
  const auto parts = ipc::to_octets(StoredParts{summary.parts});
  return ipc::to_octets(Stored{.size = summary.size,
                               .envelope = envelope,
                               .parts = parts,
                               .envelope_text = summary.envelope_text,
                               .structure_text = summary.structure_text});
}

Result<Summary> from_octets(std::string octets, Aspects wanted) {
  ipc::Packet packet{std::move(octets), {}};
  ipc::Reader reader(packet);
  Stored stored;
  reader.get(stored);
  if (!reader.done() || stored.format != Stored::current_format)
    return fail(Kind::corrupt, "summary of another format");
  Summary out;
  out.size = stored.size;
  if (wanted.texts) {
    out.envelope_text = stored.envelope_text;
    out.structure_text = stored.structure_text;
  }
  if (wanted.envelope) {
    auto envelope = ipc::from_octets<Envelope>(std::string(stored.envelope));
    if (!envelope) return fail(envelope);
    out.envelope = *std::move(envelope);
  }
  if (!wanted.parts) return out;
  auto parts = ipc::from_octets<StoredParts>(std::string(stored.parts));
  if (!parts) return fail(parts);
  out.parts = std::move(parts->parts);
  if (!is_sound(out)) return fail(Kind::corrupt, "summary that contradicts itself");
  return out;
}

}  // namespace facteur::mime
