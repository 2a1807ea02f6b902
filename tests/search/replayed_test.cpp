// The fast bounds and their replay from the same slopes and multipliers: close together, and the replay never
// above the truth.
#include <limits>

#include "bounds/rows_case.h"
#include "proof/replay.h"
#include "search/problems.h"

namespace verissim::search {
namespace {

using namespace verissim::testing;

TEST(Replayed, IsCloseToTheFastBoundAndTrue) {
  for_all(60, [](Rng& rng) {
    RowsCase c = random_rows_case(rng);
    bounds::Rows rows = c.rows(rng, 1);
    c.split(rng, rows);
    bounds::OptimiseOptions options;
    options.iterations = static_cast<int>(rng.below(15));
    options.target = std::numeric_limits<float>::infinity();
    bounds::Optimiser(c.graph, *c.hood.region).run(rows, options);
    const Point coefficients = to_doubles(c.coefficients);
    const std::vector<float> tilt = bounds::tilts(rows);
    proof::Argument argument;
    argument.coefficients = coefficients;
    argument.low = rows.alpha.data();
    argument.tilt = tilt.data();
    argument.split = rows.split.data();
    argument.slab = rows.slabs[0];
    argument.multipliers = rows.multipliers[0];
    const proof::Replay replay(c.net, *c.hood.region);
    const proof::Facts facts =
        replay.certify(std::vector<Interval>(static_cast<size_t>(c.graph.neurons()), Interval::everything()));
    const double replayed = replay.lower_bounds(c.graph.output(), facts, std::vector{argument}).front();
    const double fast = static_cast<double>(rows.bounds[0]);
    RC_ASSERT(std::abs(replayed - fast) < 1e-3 * (1.0 + std::abs(fast)));
    // The splits are those of the reference, so it counts.
    RC_ASSERT(
        at_most(replayed, exact_dot(coefficients, exact_values(c.net, c.graph.output(), c.hood.reference))));
  });
}

}  // namespace
}  // namespace verissim::search
