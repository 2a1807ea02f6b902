// Keeps every state in memory.
#pragma once

#include <vector>

#include "base/state.h"

namespace verissim::testing {

struct MemoryKeeper final : Keeper {
  std::span<const std::byte> begin_with() const override { return start; }
  bool is_due() const override { return always; }
  void keep(std::span<const std::byte> state) override { states.emplace_back(state.begin(), state.end()); }
  std::string place() const override { return "the state"; }

  std::vector<std::byte> start;
  bool always = true;  // false: only what must be kept
  std::vector<std::vector<std::byte>> states;
};

}  // namespace verissim::testing
