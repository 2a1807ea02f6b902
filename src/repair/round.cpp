#include "repair/round.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/error.h"

namespace verissim::repair {
namespace {

// The smaller the farther from a proof.
std::tuple<int, double> nearness(const search::Result& result) {
  const int step = result.verdict == search::Verdict::kNotRobust ? 0
                   : result.verdict == search::Verdict::kUnknown ? 1
                                                                 : 2;
  return {step, result.margin_bound};
}

}  // namespace

Tally tally(const Verifications& verifications) {
  Tally result;
  for (const auto& each : verifications) {
    if (each && each->verdict == search::Verdict::kRobust) {
      ++result.robust;
    } else if (each && each->verdict == search::Verdict::kNotRobust) {
      ++result.refuted;
    } else {
      ++result.open;
    }
  }
  return result;
}

size_t weakest(const Verifications& verifications) {
  std::optional<size_t> found;
  for (size_t i = 0; i < verifications.size(); ++i) {
    if (!verifications[i]) continue;
    if (!found || nearness(*verifications[i]) < nearness(*verifications[*found])) found = i;
  }
  VERISSIM_CHECK(found.has_value());
  return *found;
}

search::Verdict verdict_of(const Verifications& verifications) {
  const Tally count = tally(verifications);
  if (count.refuted > 0) return search::Verdict::kNotRobust;
  return count.open > 0 ? search::Verdict::kUnknown : search::Verdict::kRobust;
}

bool nearer(const Verifications& a, const Verifications& b) {
  const Tally of_a = tally(a);
  const Tally of_b = tally(b);
  if (of_a.robust != of_b.robust) return of_a.robust > of_b.robust;
  if (of_a.refuted != of_b.refuted) return of_a.refuted < of_b.refuted;
  return a[weakest(a)]->margin_bound > b[weakest(b)]->margin_bound;
}

}  // namespace verissim::repair
