#include "common/base/in_hand.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace facteur {
namespace {

/// One thread's place. The length is written last, and first when the name goes.
struct Slot {
  unsigned char length = 0;
  char name[InHand::longest_name];
};
constexpr std::size_t slot_count = 64;
constexpr std::size_t page_octets = slot_count * sizeof(Slot);

Slot* own_slots = nullptr;

/// Threads beyond the last slot note nothing.
Slot* own_slot() {
  static std::atomic<std::size_t> taken = 0;
  thread_local const std::size_t number = taken++;
  return own_slots == nullptr || number >= slot_count ? nullptr : own_slots + number;
}

void write_note(Slot& slot, std::string_view name) {
  slot.length = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::ranges::copy(name, slot.name);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  slot.length = static_cast<unsigned char>(name.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

bool is_name(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<Fd> make_notes() {
  Fd memory(::memfd_create("notes", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return fail_errno("memfd_create", errno);
  if (::ftruncate(memory.get(), page_octets) < 0) return fail_errno("ftruncate", errno);
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    return fail_errno("F_ADD_SEALS", errno);
  }
  return memory;
}

std::vector<std::string> read_notes(const Fd& notes) {
  Slot slots[slot_count];
  if (::pread(notes.get(), slots, sizeof slots, 0) != sizeof slots) return {};
  std::set<std::string> names;  // several threads may have had the same in hand
  for (const auto& slot : slots) {
    const std::string_view name(slot.name, std::min<std::size_t>(slot.length, InHand::longest_name));
    if (!name.empty() && is_name(name)) names.emplace(name);
  }
  return {names.begin(), names.end()};
}

Result<> note_in(const Fd& notes) {
  struct stat status{};
  if (::fstat(notes.get(), &status) < 0 || status.st_size != page_octets) {
    return fail(Kind::protocol, "the memory for notes has the wrong size");
  }
  void* memory = ::mmap(nullptr, page_octets, PROT_READ | PROT_WRITE, MAP_SHARED, notes.get(), 0);
  if (memory == MAP_FAILED) return fail_errno("mmap", errno);
  own_slots = static_cast<Slot*>(memory);  // for the life of the process
  return {};
}

InHand::InHand(std::string_view name) {
  Slot* slot = own_slot();
  if (slot == nullptr || name.size() > longest_name) return;
  before_.assign(slot->name, slot->length);
  write_note(*slot, name);
  noted_ = true;
}

std::string InHand::current() {
  const Slot* slot = own_slot();
  return slot == nullptr ? std::string() : std::string(slot->name, slot->length);
}

InHand::~InHand() {
  if (noted_) write_note(*own_slot(), before_);
}

}  // namespace facteur
