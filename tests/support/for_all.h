// Properties over random cases that are the same in every run: a case is a function of one seed, and the
// seeds are those of a fixed generator. A failing case prints its seed.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>
#include <string>

#include "base/rng.h"

namespace verissim::testing {

constexpr uint64_t kFirstSeed = 20041;

// Checks body(rng) for `cases` generators; body states what must hold by RC_ASSERT. RC_PARAMS is not heeded.
template <typename Body>
void for_all(int cases, Body body) {
  rc::detail::TestMetadata metadata;
  metadata.description = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  rc::detail::TestParams params;
  params.seed = kFirstSeed;
  params.maxSuccess = cases;
  params.disableShrinking = true;
  const auto property = [&] {
    const auto any_seed = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<uint64_t>());
    Rng rng(*any_seed.as("seed"));
    body(rng);
  };
  const auto result = rc::detail::checkTestable(property, metadata, params);
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream message;
  rc::detail::printResultMessage(result, message);
  FAIL() << message.str();
}

// One of `values`.
template <typename T>
const T& pick(Rng& rng, const std::vector<T>& values) {
  return values[rng.below(values.size())];
}

}  // namespace verissim::testing
