// These properties are cheap: 2,000 cases each, the same in every run, unless RC_PARAMS says otherwise.
#include <cstdlib>

namespace {

[[maybe_unused]] const int kMoreCases = ::setenv("RC_PARAMS", "seed=20041 max_success=2000", 0);

}  // namespace
