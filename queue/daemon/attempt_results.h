// Compares what a process answered about an attempt with what it was given.
#pragma once

#include <optional>
#include <vector>

#include "queue/doors.h"

namespace facteur::queue {

/// The results of the recipients with these numbers, each once; one that is missing is deferred. Nothing if the answer
/// speaks of others, or twice of one: then it is no answer to this attempt.
[[nodiscard]] std::optional<std::vector<RecipientResult>> match_results(const std::vector<std::uint32_t>& numbers,
                                                                        std::vector<RecipientResult> results);

/// The same result for each of these recipients, found by this process.
[[nodiscard]] std::vector<RecipientResult> for_all(const std::vector<std::uint32_t>& numbers, Fate fate,
                                                   std::string_view status, std::string_view text);

}  // namespace facteur::queue
